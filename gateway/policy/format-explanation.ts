/** An explanation in lines of text for a terminal. */
import type { Caller } from '../model/caller.ts'
import { canonicalProblem } from '../mcp/resource-uri.ts'
import type { Decision, Deny } from '../model/decision.ts'
import type { ApprovalTerms } from '../model/terms.ts'
import type { Explanation, Term, Trace } from './explain.ts'
import { describeObligations } from './obligations.ts'
import type { Rule } from './rules.ts'
import { describeStepUp } from './step-up.ts'
import type { Condition } from './subject.ts'
import { nextEdge } from './window.ts'

/** What is decided, by which rule, what the caller notices, and every rule that came near. */
export function formatExplanation(explanation: Explanation): readonly string[] {
  const { decision, traces } = explanation
  const lines = [headline(explanation), ...reasons(explanation), `  caller   ${notice(decision)}`]
  const credential = credentialOf(decision)
  if (credential !== undefined) lines.push(`  swap     goes up with the credential ${credential}`)
  if (decision.obligations !== undefined) {
    lines.push(`  obliges  ${describeObligations(decision.obligations)}`)
  }
  if (explanation.visible !== undefined) {
    lines.push(`  lists    ${explanation.visible ? 'show it' : 'hide it'}`)
  }
  if (traces.length === 0) {
    const near = explanation.alike === undefined ? [] : nearestLines(explanation)
    return [...lines, '', 'No rule comes near this call.', ...near]
  }
  lines.push('', 'Rules that match, or nearly do:')
  for (const one of traces) {
    lines.push(`  ${one.rule.effect.padEnd(7)}  ${cite(one.rule)}: ${verdict(one, explanation)}`)
  }
  return decision.effect === 'allow' ? lines : [...lines, '', ...nearestLines(explanation)]
}

/** The way to an allow: the rule, and what stands between it and this call. */
function nearestLines(explanation: Explanation): readonly string[] {
  const { nearest, alike, deciding } = explanation
  if (nearest === undefined) {
    const none = 'No allow rule speaks of it.'
    if (alike === undefined) return [none]
    const { trace, names } = alike
    return [none, `Nearest rule: ${cite(trace.rule)}, which names ${names.join(', ')}`]
  }
  const faults = faultsOf(nearest, explanation)
  const rule = cite(nearest.rule)
  if (faults.length > 0)
    return [`Nearest rule that would allow it: ${rule}`, `  but ${faults.join(', and ')}`]
  if (deciding === undefined || deciding === nearest.rule)
    return [`Nearest rule that allows it: ${rule}`]
  return [`Nearest rule that allows it: ${rule}, were it not for ${cite(deciding)}`]
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
      return [
        `  rule     none: the URI is not in canonical form${uriFault(decision)}, so no rule is asked`,
      ]
    default:
      return ['  rule     none: what no rule allows is denied']
  }
}

function uriFault({ target }: Deny): string {
  const problem = canonicalProblem(target?.name ?? '')
  return problem === undefined ? '' : ` (${problem})`
}

function notice(decision: Decision): string {
  if (decision.effect === 'allow') return 'is served'
  if (decision.effect === 'require') {
    const by = decision.approvals.map(({ approval }) => approverOf(approval))
    return `waits for approval by ${by.join(' and by ')}`
  }
  const { missingScopes, stepUp } = decision
  const asked = missingScopes.length > 0 ? `the scopes ${missingScopes.join(' ')}` : ''
  if (stepUp !== undefined) {
    const and = asked === '' ? '' : `, and for ${asked}`
    return `is asked to sign in anew, ${describeStepUp(stepUp)}${and}`
  }
  if (asked !== '') return `is asked for ${asked}`
  if (decision.disclosed !== undefined) return 'is refused and told the reason'
  return decision.hidden ? 'gets the answer for an unknown name' : 'is refused'
}

/** The credential that a rule chose for what is, or once it is approved will be, let through. */
function credentialOf(decision: Decision): string | undefined {
  if (decision.effect === 'deny') return undefined
  return decision.effect === 'allow' ? decision.credential : decision.allow.credential
}

function approverOf({ by }: ApprovalTerms): string {
  return by.kind === 'subject' ? 'its own person' : `somebody in ${by.group}`
}

function verdict(trace: Trace, explanation: Explanation): string {
  const faults = faultsOf(trace, explanation)
  if (faults.length > 0) return faults.join(', and ')
  return trace.rule.shadow
    ? 'matches, but is only watched (mode: shadow)'
    : MATCHES[trace.rule.effect]
}

/** Everything that keeps the rule from matching; a rule in shadow mode is kept from deciding by that alone. */
function faultsOf(
  { fit, failing, reach, unmet, rule }: Trace,
  explanation: Explanation,
): readonly string[] {
  const faults: string[] = []
  if (reach === 'misses') faults.push('does not name it')
  if (reach === 'excepted') faults.push('names it, but excepts it')
  if (fit !== 'holds') {
    const { caller } = explanation
    const each = failing.map((conditions) => conditions.map((one) => fault(one, caller)).join(', '))
    faults.push(`is not about this caller (${each.join('; or ')})`)
  }
  faults.push(...unmet.map((term) => unmetText(term, rule, explanation)))
  return faults
}

/** Why a term of the rule does not hold. */
function unmetText(term: Term, { during }: Rule, { nowMs, hasArguments }: Explanation): string {
  switch (term) {
    case 'annotations':
      return 'the tool is not known to have its annotations'
    case 'when':
      return hasArguments
        ? 'its condition does not hold for this call (when)'
        : 'its condition does not hold without arguments (when)'
    case 'during': {
      const opens = during === undefined ? Number.POSITIVE_INFINITY : nextEdge(during, nowMs)
      const until = Number.isFinite(opens) ? `until ${new Date(opens).toISOString()}` : 'for good'
      return `it is outside its time ${until} (during)`
    }
    case 'grant':
      return 'the caller has no live grant for it (gatehouse grant)'
  }
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
