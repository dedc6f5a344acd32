/**
 * The one question this room exists for. Deny beats allow, and what no rule allows is denied; the
 * order of rules and files never matters. Pure: conditions that need a clock, arguments or facts will
 * be asked where a rule is found, and be handed in.
 */
import { canonicalProblem } from '../mcp/resource-uri.ts'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { Rule, Rules } from './rules.ts'
import {
  findForConnection,
  findForMethod,
  findForTarget,
  type Found,
  type View,
  viewFor,
} from './find.ts'

/** The rule named by decisions about being connected at all, which no single rule of a file makes. */
export const CONNECTION_RULE = 'builtin:connection'

/**
 * Longest name or URI that any rule is asked about, in UTF-16 units: canonical URIs end at 4 KiB, names
 * of tools far below. It bounds what a hostile name can cost; what is longer is denied, like a name
 * that does not exist.
 */
export const MAX_NAME_LENGTH = 4096

type Deny = Extract<Decision, { effect: 'deny' }>

/** One list for all decisions without entries: decisions are made per call. */
const NOTHING: readonly never[] = []

/**
 * What the rules say about this call on this server. A server the rules do not know denies everything.
 * Where several rules would decide alike, the one named does not depend on their order either.
 */
export function decide(rules: Rules, caller: Caller, call: Call, server: string): Decision {
  const view = viewFor(rules, caller, server)
  if (view === undefined) return denied(call.targets[0])
  if (call.method === 'subscriptions/listen') return decideListen(view, call)
  switch (call.needs) {
    case 'connection':
      return decideConnection(view, call.method)
    case 'method':
      return settle(findForMethod(view, call.method), undefined)
    case 'targets':
      // A call that could name targets and names none asks for no more than its connection.
      return call.targets.length === 0
        ? decideConnection(view, call.method)
        : decideTargets(view, call)
  }
}

/**
 * What the rules say about one target of a call with this method. `isVisible` asks the same function,
 * so that lists and calls cannot drift apart.
 */
export function decideTarget(view: View, method: string, target: Target): Decision {
  if (target.kind === 'task') return decideTask(view, method, target)
  if (target.name.length > MAX_NAME_LENGTH) return denied(target)
  // What two readers could resolve differently is refused before any rule is asked (R-POL-4).
  if (
    target.kind === 'resource' &&
    !view.here.opaque &&
    canonicalProblem(target.name) !== undefined
  ) {
    return { ...denied(target), reason: 'resource_uri' }
  }
  return settle(findForTarget(view, method, target), target)
}

/**
 * A task is as allowed as calling the tool that made it: what it results in is what the tool returns. No
 * rule speaks of a task whose tool is not known.
 */
function decideTask(view: View, method: string, target: Target): Decision {
  const { deny } = findForTarget(view, method, target)
  if (deny !== undefined) return deniedBy(deny, target)
  const name = target.task?.tool ?? ''
  if (name === '' || name.length > MAX_NAME_LENGTH) return denied(target)
  return settle(findForTarget(view, 'tools/call', { kind: 'tool', name }), target)
}

/** Every target must be allowed. Scopes are asked for only when nothing else is in the way, all at once. */
function decideTargets(view: View, call: Call): Decision {
  let allow: Decision | undefined
  let lacking: Deny | undefined
  for (const target of call.targets) {
    const decision = decideTarget(view, call.method, target)
    if (decision.effect === 'allow') allow ??= decision
    else if (decision.reason !== 'missing_scope') return decision
    else lacking = lacking === undefined ? decision : withScopesOf(lacking, decision)
  }
  return lacking ?? allow ?? denied(undefined)
}

/** The stream is opened for whoever may connect; targets it may not follow are dropped from it. */
function decideListen(view: View, call: Call): Decision {
  const connection = decideConnection(view, call.method)
  if (connection.effect === 'deny' || call.targets.length === 0) return connection
  const dropped = call.targets.filter(
    (target) => decideTarget(view, call.method, target).effect === 'deny',
  )
  return { ...connection, dropped }
}

/** Missing scopes do not keep a caller out: it may connect to be told which. */
function decideConnection(view: View, method: string): Decision {
  const { deny, allow, lacking } = findForConnection(view, method)
  if (deny !== undefined) return deniedBy(deny, undefined)
  return (allow ?? lacking) === undefined ? denied(undefined) : allowed(CONNECTION_RULE)
}

/** Deny beats allow, allow beats asking for scopes, and nothing found is a deny. */
function settle({ deny, allow, lacking }: Found, target: Target | undefined): Decision {
  if (deny !== undefined) return deniedBy(deny, target)
  if (allow !== undefined) return allowed(allow.id)
  return lacking === undefined ? denied(target) : lacksScopes(lacking.scopes, target)
}

function withScopesOf(first: Deny, second: Deny): Deny {
  return {
    ...first,
    missingScopes: [...new Set([...first.missingScopes, ...second.missingScopes])],
  }
}

function allowed(rule: string): Decision {
  return { effect: 'allow', rule, dropped: NOTHING }
}

/**
 * A denied target looks like one that does not exist, unless the rule says why in public. That tells
 * what the rule is and not what exists: any name the rule covers is answered alike.
 */
function deniedBy(rule: Rule, target: Target | undefined): Deny {
  const disclosed = rule.disclose ? rule.reason : undefined
  return {
    effect: 'deny',
    rule: rule.id,
    reason: 'deny_rule',
    hidden: target !== undefined && disclosed === undefined,
    disclosed,
    missingScopes: NOTHING,
    target,
  }
}

function denied(target: Target | undefined): Deny {
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

function lacksScopes(missingScopes: readonly string[], target: Target | undefined): Deny {
  return {
    effect: 'deny',
    rule: undefined,
    reason: 'missing_scope',
    hidden: false,
    disclosed: undefined,
    missingScopes,
    target,
  }
}
