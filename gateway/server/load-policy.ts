import type { Problem, SourceDocument } from '../model/problem.ts'
import { compilePolicy, type CompileResult } from '../policy/compile.ts'
import { openExpressions } from '../policy/open-expressions.ts'
import type { Settings } from '../settings/settings.ts'
import { validate } from '../settings/validate.ts'
import { readYaml } from '../settings/yaml.ts'

/**
 * The policies of a configuration as compiled rules, or everything that is wrong with any of them.
 * Files that fail the schema do not keep the others from being checked.
 */
export async function loadPolicy(
  settings: Pick<Settings, 'policies' | 'servers' | 'notifications'>,
): Promise<CompileResult> {
  const problems: Problem[] = []
  const documents: SourceDocument[] = []
  for (const { file, text } of settings.policies) {
    const document = readYaml(file, text)
    const faults = document.ok ? validate('policy', document) : document.problems
    if (document.ok && faults.length === 0) documents.push(document)
    problems.push(...faults)
  }
  const names = settings.servers.map(({ name }) => name)
  const opaque = settings.servers.filter(({ resourceUris }) => resourceUris === 'opaque')
  const compiled = compilePolicy(documents, names, {
    compileExpression: await openExpressions(documents),
    opaque: new Set(opaque.map(({ name }) => name)),
    notifications: new Set(settings.notifications.keys()),
    credentials: new Map(
      settings.servers.map(({ name, ruleCredentials }) => [
        name,
        [...(ruleCredentials?.keys() ?? [])],
      ]),
    ),
  })
  if (problems.length === 0) return compiled
  return { ok: false, problems: [...problems, ...(compiled.ok ? [] : compiled.problems)] }
}
