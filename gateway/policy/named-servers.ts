/** The servers a policy speaks of, for trying it out where no configuration says which there are. */
import type { SourceDocument } from '../model/problem.ts'
import { AREAS } from './coverage.ts'
import { compileGlob } from './glob.ts'
import { serverPart } from './place.ts'
import { type PolicyText, readPolicy, type TargetText } from './read-policy.ts'

/** Every server named without a wildcard, sorted. Mistakes are left to `compilePolicy`. */
export function namedServers(documents: readonly SourceDocument[]): readonly string[] {
  const names = documents.flatMap(({ data }) => {
    const policy = readPolicy(data, () => undefined)
    return policy.rules.flatMap((rule) => [
      ...textsOf(rule.servers, policy),
      ...AREAS.flatMap((area) =>
        textsOf([...rule.targets[area], ...rule.except[area]], policy).flatMap(
          (text) => serverPart(area, text) ?? [],
        ),
      ),
    ])
  })
  return [...new Set(names)].filter((name) => compileGlob(name).shape === 'literal').toSorted()
}

function textsOf(entries: readonly TargetText[], { sets }: PolicyText): readonly string[] {
  return entries.flatMap(({ kind, text }) => {
    if (kind === 'glob') return [text]
    const set = sets.get(text)
    return set?.kind === 'globs' ? set.globs.map((glob) => glob.text) : []
  })
}
