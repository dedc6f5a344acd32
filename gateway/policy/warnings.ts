/** Rules that load but say less than they seem to. */
import { METHODS } from '../mcp/methods.ts'
import type { Problem } from '../model/problem.ts'
import { neverCanonical } from './canonical-glob.ts'
import { type Area, AREAS, type Coverage } from './coverage.ts'
import type { Expression } from './expression.ts'
import { EVERYTHING, type Glob, includesGlob, matchesGlob } from './glob.ts'
import type { RuleText } from './read-policy.ts'
import type { Requirement } from './requirement.ts'
import type { Reach, Rule, ServerRules } from './rules.ts'
import { includesSubject } from './subject.ts'

/** Methods whose calls name a target: naming them in an allow rule serves nothing. */
const TARGET_METHODS = {
  'tools/call': 'tools',
  'prompts/get': 'prompts',
  'resources/read': 'resources',
  'resources/subscribe': 'resources',
  'resources/unsubscribe': 'resources',
  'completion/complete': 'prompts or resources',
} as const

/** Why one entry of a target list does not do what it seems to; undefined when it may. */
export function entryWarning(
  area: Area,
  glob: Glob,
  { effect, require }: Pick<RuleText, 'effect' | 'require'>,
): string | undefined {
  if (area === 'resources') {
    const fault = neverCanonical(glob.text)
    return fault === undefined ? undefined : `no canonical URI matches "${glob.text}": ${fault}`
  }
  if (area === 'methods' && require !== undefined) return requireWarning(glob, require)
  if (area !== 'methods' || effect !== 'allow') return undefined
  for (const [method, instead] of Object.entries(TARGET_METHODS)) {
    if (!matchesGlob(glob, method)) continue
    return `"${glob.text}" lets no call by ${method} through, which names a target: allow ${instead} instead`
  }
  return undefined
}

/** Why what is required of a method is not asked for, or can never be met. */
function requireWarning(glob: Glob, { approval }: Requirement): string | undefined {
  if (/[*?]/.test(glob.text)) return undefined
  const asks = METHODS.get(glob.text)?.asks ?? 'method'
  if (asks === 'connection' || asks === 'listening') {
    return `"${glob.text}" is part of being connected, of which nothing can be required: deny it instead`
  }
  return asks === 'method' && approval !== undefined
    ? `nobody can approve "${glob.text}", since what it asks for cannot be shown: it is always refused`
    : undefined
}

/** Why an expression says less, or more, than it seems to; nothing to say where it may be meant. */
export function expressionWarnings(
  { reads, unguarded }: Expression,
  { effect, targets, servers }: Pick<RuleText, 'effect' | 'targets' | 'servers'>,
): readonly string[] {
  const warnings: string[] = []
  const [member] = unguarded
  if (effect !== 'allow' && member !== undefined) {
    warnings.push(
      `holds also where there is no args.${member}: ask "has(args.${member}) && …" first if that is not meant`,
    )
  }
  if (reads.size === 0) warnings.push('says the same of every call: it reads nothing')
  const named = AREAS.filter((area) => targets[area].length > 0)
  const isOnly = (...areas: readonly Area[]): boolean =>
    servers.length === 0 && named.length > 0 && named.every((area) => areas.includes(area))
  if (reads.has('args') && isOnly('resources', 'methods')) {
    warnings.push('reads args, which only tools and prompts have')
  }
  if (reads.has('uri') && isOnly('tools', 'prompts', 'methods')) {
    warnings.push('reads uri, which only resources have')
  }
  if (reads.has('tool') && isOnly('resources', 'prompts', 'methods')) {
    warnings.push('reads tool, and the rule names none')
  }
  return warnings
}

/** Rules whose time is over: they do nothing any more. */
export function findOver(
  servers: ReadonlyMap<string, ServerRules>,
  nowMs: number,
): readonly Problem[] {
  const rules = new Set(
    [...servers.values()].flatMap(({ reaches }) => reaches.map(({ rule }) => rule)),
  )
  return [...rules].flatMap(({ id, during, file, line, column }) => {
    const untilMs = during?.untilMs
    if (untilMs === undefined || nowMs < untilMs) return []
    const since = new Date(untilMs).toISOString().slice(0, 'yyyy-mm-ddThh:mm'.length)
    const message = `the time of the rule "${id}" is over since ${since} UTC: remove it, or its "until"`
    return { file, line, column, message }
  })
}

/** Rules that their own exceptions leave nothing of, wherever they reach. */
export function findEmpty(servers: ReadonlyMap<string, ServerRules>): readonly Problem[] {
  const reaches = [...servers.values()].flatMap((server) => server.reaches)
  const full = new Set(reaches.flatMap((reach) => (isEmpty(reach.coverage) ? [] : [reach.rule])))
  const empty = new Set(reaches.flatMap(({ rule }) => (full.has(rule) ? [] : [rule])))
  return Array.from(empty, ({ id, file, line, column }) => {
    const message = `the rule "${id}" covers nothing: its "except" takes all of it away`
    return { file, line, column, message }
  })
}

function isEmpty({ whole, included, excepted }: Coverage): boolean {
  const isAway = (area: Area, glob: Glob): boolean =>
    excepted[area].some((wider) => includesGlob(wider, glob))
  return AREAS.every((area) =>
    whole ? isAway(area, EVERYTHING) : included[area].every((glob) => isAway(area, glob)),
  )
}

/** Allow rules that deny rules leave nothing of, wherever they reach. */
export function findShadowed(servers: ReadonlyMap<string, ServerRules>): readonly Problem[] {
  const shadows = new Map<Rule, Rule>()
  const free = new Set<Rule>()
  for (const { reaches } of servers.values()) {
    const denies = reaches.filter(
      ({ rule }) => rule.effect === 'deny' && !rule.shadow && !rule.conditional,
    )
    for (const reach of reaches) {
      if (reach.rule.effect !== 'allow' || free.has(reach.rule)) continue
      const shadow = denies.find((deny) => shadowsWholly(deny, reach))
      if (shadow === undefined) free.add(reach.rule)
      else shadows.set(reach.rule, shadow.rule)
    }
  }
  return [...shadows].flatMap(([rule, { id, file, line }]) => {
    if (free.has(rule)) return []
    const message = `the rule "${rule.id}" allows nothing: "${id}" (${file}:${line}) denies all of it`
    return { file: rule.file, line: rule.line, column: rule.column, message }
  })
}

function shadowsWholly(deny: Reach, allow: Reach): boolean {
  return (
    includesCoverage(deny.coverage, allow.coverage) &&
    allow.rule.subjects.every((inner) =>
      deny.rule.subjects.some((outer) => includesSubject(outer, inner)),
    )
  )
}

function includesCoverage(outer: Coverage, inner: Coverage): boolean {
  if (AREAS.some((area) => outer.excepted[area].length > 0)) return false
  if (outer.whole) return true
  if (inner.whole) return false
  return AREAS.every((area) =>
    inner.included[area].every((glob) =>
      outer.included[area].some((wider) => includesGlob(wider, glob)),
    ),
  )
}
