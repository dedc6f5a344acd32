/** What a rule as written covers, server by server. */
import { type Area, AREAS, type Coverage } from './coverage.ts'
import type { Glob } from './glob.ts'
import { placeServer, placeTarget, type Servers } from './place.ts'
import type { Report, Text } from './read-fields.ts'
import type { PolicyText, RuleText, TargetText } from './read-policy.ts'
import { entryWarning } from './warnings.ts'

export type CoverageContext = {
  readonly policy: PolicyText
  readonly servers: Servers
  readonly report: Report
  readonly warn: Report
}

/** A coverage being collected. */
type Draft = {
  whole: boolean
  readonly included: Record<Area, Glob[]>
  readonly excepted: Record<Area, Glob[]>
}

type Drafts = Map<string, Draft>

/** The coverage of a rule on each server it reaches. */
export function compileCoverage(
  rule: RuleText,
  context: CoverageContext,
): ReadonlyMap<string, Coverage> {
  const drafts: Drafts = new Map(context.servers.names.map((name) => [name, emptyDraft()]))
  const listed = listedServers(rule, context)
  for (const area of AREAS) {
    for (const { servers, glob, source } of places(area, rule.targets[area], context)) {
      const opaque = servers.some((name) => context.servers.opaque.has(name))
      const warning = opaque ? undefined : entryWarning(area, glob, rule)
      if (warning !== undefined) context.warn(source.path, warning)
      const reached = area === 'methods' && rule.servers.length > 0 ? listed : servers
      for (const name of reached) drafts.get(name)?.included[area].push(glob)
    }
  }
  if (rule.targets.methods.length === 0) {
    for (const name of listed) {
      const draft = drafts.get(name)
      if (draft !== undefined) draft.whole = true
    }
  }
  for (const [name, draft] of drafts) {
    if (!AREAS.some((area) => hasArea(draft, area))) drafts.delete(name)
  }
  except(rule, drafts, context)
  return drafts
}

function listedServers(rule: RuleText, context: CoverageContext): readonly string[] {
  return expand(rule.servers, context).flatMap(({ text, path }) => {
    const place = placeServer(text, context.servers)
    if (place.ok) return place.servers
    context.report(path, place.message)
    return []
  })
}

/** Takes the exceptions out, and warns of those that have nothing to be taken out of. */
function except(rule: RuleText, drafts: Drafts, context: CoverageContext): void {
  for (const area of AREAS) {
    for (const { servers, glob, source } of places(area, rule.except[area], context)) {
      const reached = servers.filter((name) => {
        const draft = drafts.get(name)
        return draft !== undefined && hasArea(draft, area)
      })
      for (const name of reached) drafts.get(name)?.excepted[area].push(glob)
      if (reached.length > 0) continue
      const message = `"${source.text}" takes nothing away: the rule covers no ${area} there`
      context.warn(source.path, message)
    }
  }
}

type Placed = {
  readonly servers: readonly string[]
  readonly glob: Glob
  readonly source: Text
}

function places(
  area: Area,
  entries: readonly TargetText[],
  context: CoverageContext,
): readonly Placed[] {
  return expand(entries, context).flatMap((source) => {
    const place = placeTarget(area, source.text, context.servers)
    if (place.ok) return { ...place, source }
    context.report(source.path, place.message)
    return []
  })
}

/** The globs of a list, those of sets in the place of the sets. */
function expand(
  entries: readonly TargetText[],
  { policy, report }: CoverageContext,
): readonly Text[] {
  return entries.flatMap((entry): readonly Text[] => {
    if (entry.kind === 'glob') return [entry]
    const set = policy.sets.get(entry.text)
    if (set?.kind === 'globs') return set.globs
    const wrong = set === undefined ? 'is not defined in this file' : 'lists subjects, not globs'
    report(entry.path, `the set "${entry.text}" ${wrong}`)
    return []
  })
}

function hasArea(draft: Draft, area: Area): boolean {
  return draft.whole || draft.included[area].length > 0
}

function emptyDraft(): Draft {
  return { whole: false, included: emptyAreas(), excepted: emptyAreas() }
}

function emptyAreas(): Record<Area, Glob[]> {
  return { tools: [], prompts: [], resources: [], methods: [] }
}
