/** What the rules that were found come to. */
import type { Target } from '../model/call.ts'
import type { Allow, Decision, Deny, Require } from '../model/decision.ts'
import type { Found } from './find.ts'
import { obligationsOf } from './obligations.ts'
import { type Unmet, unmet } from './requirement.ts'
import type { Rule } from './rules.ts'
import type { View } from './view.ts'

/** One list for all decisions without entries: decisions are made per call. */
const NOTHING: readonly never[] = []

/**
 * Deny beats require, require beats allow, allow beats asking for scopes, and nothing found is a deny.
 * Rules in shadow mode change nothing; what they would change is noted.
 */
export function settle(found: Found, target: Target | undefined, view: View): Decision {
  const decision = settleEnforced(found, target, view)
  if (found.shadow === undefined) return decision
  const { effect, rule } = settleEnforced(withShadow(found, found.shadow), target, view)
  return effect === decision.effect ? decision : { ...decision, shadow: { effect, rule } }
}

/** An allow without terms. */
export function allowed(rule: string): Allow {
  return { effect: 'allow', rule, dropped: NOTHING }
}

/** Nothing allows it: it looks as if it did not exist. */
export function denied(target: Target | undefined): Deny {
  return {
    effect: 'deny',
    rule: undefined,
    reason: 'no_rule',
    hidden: target !== undefined,
    disclosed: undefined,
    missingScopes: NOTHING,
    target,
  }
}

/**
 * A denied target looks like one that does not exist, unless the rule says why in public. That tells
 * what the rule is and not what exists: any name the rule covers is answered alike.
 */
export function deniedBy(rule: Rule, target: Target | undefined): Deny {
  const disclosed = disclosedBy(rule)
  const hidden = target !== undefined && disclosed === undefined
  const deny: Deny = { ...denied(target), rule: rule.id, reason: 'deny_rule', hidden, disclosed }
  return rule.obligations === undefined ? deny : { ...deny, obligations: rule.obligations }
}

function settleEnforced(found: Found, target: Target | undefined, view: View): Decision {
  const { deny, requires } = found
  if (deny !== undefined) return deniedBy(deny, target)
  const missing = requires === undefined ? undefined : unmet(requires, view)
  const decision = settleAllows(found, missing, target, view)
  return missing === undefined || decision.effect !== 'deny'
    ? decision
    : { ...decision, required: true }
}

/** Of what no rule denies. */
function settleAllows(
  { allow, lacking, closed, requires }: Found,
  missing: Unmet | undefined,
  target: Target | undefined,
  view: View,
): Decision {
  if (allow === undefined && lacking === undefined) {
    return closed === undefined ? denied(target) : deniedForNow(closed, target)
  }
  // Most calls, and each entry of most lists: nothing is missing, and nothing is made to find that out.
  if (allow !== undefined && missing === undefined) return allowedBy(allow, requires, view)
  const scopes = [
    ...(allow === undefined ? (lacking?.scopes ?? []) : []),
    ...(missing?.scopes ?? []),
  ]
  if (scopes.length > 0 || missing?.stepUp !== undefined) {
    return lacks({ scopes: [...new Set(scopes)], stepUp: missing?.stepUp }, target, view)
  }
  if (allow === undefined) return denied(target)
  const permitted = allowedBy(allow, requires, view)
  const [first] = missing?.approvals ?? NOTHING
  if (missing === undefined || first === undefined) return permitted
  return awaiting(permitted, { first: first.rule, missing: missing.approvals, requires, target })
}

/** Who only asks about a task, or for completions, spends nothing, and nothing is to be done about it. */
function allowedBy(rule: Rule, requires: readonly Rule[] | undefined, { asking }: View): Allow {
  const { id, grant, credential } = rule
  const limits = asking === 'call' ? rule.limits : undefined
  const obligations = asking === 'call' ? obligationsOf(requires, rule.obligations) : undefined
  const terms = grant ?? limits ?? obligations ?? credential
  if (terms === undefined) return allowed(id)
  return {
    ...allowed(id),
    ...(grant !== undefined && { grant }),
    ...(limits !== undefined && { limits }),
    ...(obligations !== undefined && { obligations }),
    ...(credential !== undefined && { credential }),
  }
}

type Waiting = {
  readonly first: string
  readonly missing: Require['approvals']
  readonly requires: readonly Rule[] | undefined
  readonly target: Target | undefined
}

function awaiting(allow: Allow, { first, missing, requires, target }: Waiting): Require {
  const rule = requires?.find(({ id }) => id === first)
  const disclosed = rule && disclosedBy(rule)
  const waitedFor = requires?.filter(({ id }) => missing.some(({ rule: one }) => one === id))
  const obligations = obligationsOf(waitedFor)
  const held = {
    effect: 'require',
    rule: first,
    approvals: missing,
    allow,
    disclosed,
    target,
  } as const
  return obligations === undefined ? held : { ...held, obligations }
}

/** Of a rule that holds at another time or with a grant. Only one with `show` says so. */
function deniedForNow(
  { rule, why }: NonNullable<Found['closed']>,
  target: Target | undefined,
): Deny {
  const hidden = target !== undefined && !rule.show
  const disclosed = rule.show ? disclosedBy(rule) : undefined
  return { ...denied(target), rule: rule.id, reason: why, hidden, disclosed }
}

/**
 * Asking for scopes, or for signing in anew, leads somewhere only for a caller who can do both; for others it
 * is not there.
 */
function lacks(
  { scopes, stepUp }: Pick<Unmet, 'scopes' | 'stepUp'>,
  target: Target | undefined,
  { caller }: View,
): Deny {
  const missing = { hidden: false, missingScopes: scopes }
  if (stepUp === undefined) {
    const deny: Deny = { ...denied(target), reason: 'missing_scope' }
    return caller.interactive ? { ...deny, ...missing } : deny
  }
  const { rule, terms } = stepUp
  const obligations = obligationsOf([rule])
  const deny: Deny = {
    ...denied(target),
    rule: rule.id,
    reason: 'step_up',
    ...(obligations !== undefined && { obligations }),
  }
  if (terms === undefined) return deny
  return { ...deny, ...missing, stepUp: terms, disclosed: disclosedBy(rule) }
}

function disclosedBy({ disclose, reason }: Rule): string | undefined {
  return disclose ? reason : undefined
}

/** All that was found, as if the rules in shadow mode were in force. */
function withShadow(found: Found, shadow: Found): Found {
  return {
    deny: found.deny ?? shadow.deny,
    allow: found.allow ?? shadow.allow,
    lacking: found.lacking ?? shadow.lacking,
    closed: found.closed ?? shadow.closed,
    requires:
      found.requires === undefined
        ? shadow.requires
        : [...found.requires, ...(shadow.requires ?? [])],
    shadow: undefined,
  }
}
