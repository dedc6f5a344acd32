/** An explanation in lines of text for a terminal. */
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { ApprovalTerms } from '../model/terms.ts'
import type { Explanation, Trace } from './explain.ts'
import type { Rule } from './rules.ts'
import type { Condition } from './subject.ts'

/** What is decided, by which rule, what the caller notices, and every rule that came near. */
export function formatExplanation(explanation: Explanation): readonly string[] {
  const { decision, caller, traces, nearest } = explanation
  const lines = [headline(explanation), ...reasons(explanation), `  caller   ${notice(decision)}`]
  if (explanation.visible !== undefined) {
    lines.push(`  lists    ${explanation.visible ? 'show it' : 'hide it'}`)
  }
  if (traces.length === 0) return [...lines, '', 'No rule comes near this call.']
  lines.push('', 'Rules that match, or nearly do:')
  for (const one of traces) {
    lines.push(`  ${one.rule.effect.padEnd(7)}  ${cite(one.rule)}: ${verdict(one, caller)}`)
  }
  if (decision.effect === 'allow') return lines
  if (nearest === undefined) return [...lines, '', 'No allow rule speaks of it.']
  const verb = nearest.fit === 'holds' && nearest.reach === 'covers' ? 'allows' : 'would allow'
  return [...lines, '', `Nearest rule that ${verb} it: ${cite(nearest.rule)}`]
}

function headline({ caller, call, server, decision }: Explanation): string {
  const [target] = call.targets
  const asked = target === undefined ? call.method : `${target.kind} "${target.name}"`
  return `${decision.effect.toUpperCase()}  ${caller.kind} "${caller.subject}" asking "${server}" for ${asked}`
}

function reasons({ decision, deciding }: Explanation): readonly string[] {
  const why = deciding?.reason === undefined ? [] : [`  reason   ${deciding.reason}`]
  if (deciding !== undefined) return [`  rule     ${cite(deciding)}`, ...why]
  if (decision.effect === 'allow') {
    return [`  rule     ${decision.rule}: some rule allows this caller something here`]
  }
  if (decision.effect === 'require') return []
  switch (decision.reason) {
    case 'missing_scope':
      return ['  rule     none: a rule would allow it, were the scopes there']
    case 'resource_uri':
      return ['  rule     none: the URI is not in canonical form, so no rule is asked']
    default:
      return ['  rule     none: what no rule allows is denied']
  }
}

function notice(decision: Decision): string {
  if (decision.effect === 'allow') return 'is served'
  if (decision.effect === 'require') {
    const by = decision.approvals.map(({ approval }) => approverOf(approval))
    return `waits for approval by ${by.join(' and by ')}`
  }
  if (decision.missingScopes.length > 0) {
    return `is asked for the scopes ${decision.missingScopes.join(' ')}`
  }
  if (decision.disclosed !== undefined) return 'is refused and told the reason'
  return decision.hidden ? 'gets the answer for an unknown name' : 'is refused'
}

function approverOf({ by }: ApprovalTerms): string {
  return by.kind === 'subject' ? 'its own person' : `somebody in ${by.group}`
}

function verdict({ fit, failing, reach, rule }: Trace, caller: Caller): string {
  const faults: string[] = []
  if (reach === 'misses') faults.push('does not name it')
  if (reach === 'excepted') faults.push('names it, but excepts it')
  if (fit !== 'holds') {
    const each = failing.map((conditions) => conditions.map((one) => fault(one, caller)).join(', '))
    faults.push(`is not about this caller (${each.join('; or ')})`)
  }
  if (faults.length > 0) return faults.join(', and ')
  return MATCHES[rule.effect]
}

const MATCHES = {
  allow: 'matches',
  deny: 'matches, and a deny wins',
  require: 'matches, and comes before every allow',
} as const satisfies Record<Rule['effect'], string>

/** Why the caller does not meet a condition. */
function fault(condition: Condition, caller: Caller): string {
  switch (condition.key) {
    case 'kind':
      return `kind is ${caller.kind}, not ${condition.kind}`
    case 'groups':
      return `in none of the groups ${condition.anyOf.join(', ')}`
    case 'users':
      return `the subject is not ${texts(condition.globs)}`
    case 'clients':
      return `the client "${caller.client}" is not ${texts(condition.globs)}`
    case 'scopes': {
      const missing = condition.allOf.filter((scope) => !caller.scopes.has(scope))
      return `lacks ${missing.join(' ')}${caller.interactive ? '' : ' and cannot be asked for more'}`
    }
    case 'issuers':
      return `the issuer is not ${condition.anyOf.join(' or ')}`
    case 'tenant':
      return `the tenant is not ${condition.tenant}`
    case 'idp':
      return `not signed in by ${condition.anyOf.join(' or ')}`
    case 'spiffe':
      return `the SPIFFE ID is not ${texts(condition.globs)}`
    case 'claim':
      return `the claim ${condition.name} is not ${condition.anyOf.join(' or ')}`
    case 'chain':
      return `nobody in its chain is ${texts(condition.globs)}`
    case 'depth':
      return `delegated ${caller.actors.length} deep, more than ${condition.max}`
    case 'on_behalf_of':
      return condition.whom === 'user' ? 'no person stands behind it' : 'a person stands behind it'
  }
}

function texts(globs: readonly { readonly text: string }[]): string {
  return globs.map(({ text }) => text).join(' or ')
}

function cite({ id, file, line }: Rule): string {
  return `${id} (${file}:${line})`
}
