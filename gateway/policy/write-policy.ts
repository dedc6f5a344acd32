/** Learned rules as the text of a policy file, with the evidence for every entry beside it. */
import type { Caller } from '../model/caller.ts'
import { AREAS } from './coverage.ts'
import { howMany } from './how-many.ts'
import type { LearnedEntry, LearnedRule } from './learn.ts'

/** Longest id of a rule, as `read-policy.ts` has it. */
const MAX_ID_LENGTH = 64

/** The text of a policy file. Every name in it is a JSON string, which is a YAML string too. */
export function writePolicy(rules: readonly LearnedRule[], about: string): string {
  const ids = new Set<string>()
  const mixed = {
    issuers: new Set(rules.flatMap(({ members }) => members.map(({ issuer }) => issuer))).size > 1,
    tenants: new Set(rules.flatMap(({ members }) => members.map(({ tenant }) => tenant))).size > 1,
  }
  const lines = [`# ${about}`, 'version: 1', 'default: deny', '']
  if (rules.length === 0) return [...lines, 'rules: []', ''].join('\n')
  lines.push('rules:')
  for (const rule of rules) lines.push(...ruleLines(rule, idFor(rule, ids), mixed), '')
  return lines.join('\n')
}

type Mixed = { readonly issuers: boolean; readonly tenants: boolean }

function* ruleLines(rule: LearnedRule, id: string, mixed: Mixed): Generator<string> {
  const { members, entries, calls, from, to, server } = rule
  const by = `${howMany(calls, 'call')} by ${howMany(members.length, 'caller')}`
  yield `  # ${by}, ${from.slice(0, 10)} to ${to.slice(0, 10)}`
  yield `  - id: ${id}`
  yield '    effect: allow'
  yield '    subjects:'
  for (const subject of subjectsOf(rule, mixed)) yield `      - ${subject}`
  // A method names no server: the rule does.
  if (entries.methods.length > 0) yield `    servers: [${JSON.stringify(server)}]`
  for (const area of AREAS) {
    if (entries[area].length === 0) continue
    yield `    ${area}:`
    for (const entry of entries[area]) {
      const separator = area === 'resources' ? ':' : '/'
      const text = area === 'methods' ? entry.text : `${server}${separator}${entry.text}`
      yield `      - ${JSON.stringify(text)} # ${evidence(entry, members.length)}`
    }
  }
}

function evidence({ calls, callers, generalizes }: LearnedEntry, members: number): string {
  const made = `${howMany(calls, 'call')} by ${callers.size} of ${members}`
  return generalizes === undefined ? made : `${made}, on ${howMany(generalizes, 'URI')}`
}

/** One subject for each kind, issuer and tenant that was seen; the last two only where there are several. */
function subjectsOf({ unit, members }: LearnedRule, mixed: Mixed): readonly string[] {
  const key = { group: 'groups', client: 'clients', user: 'users' }[unit.by]
  const subjectOf = ({ kind, issuer, tenant }: Caller): string => {
    const parts = [`kind: ${kind}`, `${key}: [${JSON.stringify(unit.name)}]`]
    if (mixed.issuers) parts.push(`issuers: [${JSON.stringify(issuer)}]`)
    if (mixed.tenants) parts.push(`tenant: ${JSON.stringify(tenant)}`)
    return `{ ${parts.join(', ')} }`
  }
  return [...new Set(members.map(subjectOf))].toSorted()
}

function idFor({ unit, server, entries }: LearnedRule, taken: Set<string>): string {
  const isMethods = entries.methods.length > 0
  const words = [unit.by, unit.name, server, isMethods ? 'methods' : '']
  const slug = words
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
  const base = slug.slice(0, MAX_ID_LENGTH - 5).replaceAll(/^-+|-+$/g, '')
  let id = base
  for (let next = 2; taken.has(id); next += 1) id = `${base}-${next}`
  taken.add(id)
  return id
}
