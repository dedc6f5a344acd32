/**
 * The one question this room exists for. Deny beats require, require beats allow, and what no rule allows
 * is denied; the order of rules and files never matters. Pure: the time, the arguments and what is known
 * of grants and approvals are handed in.
 */
import { canonicalProblem } from '../mcp/resource-uri.ts'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Allow, Decision, Deny, Require } from '../model/decision.ts'
import { findForConnection, findForMethod, findForTarget } from './find.ts'
import { bothObligations, withObligationsOf } from './obligations.ts'
import type { Occasion } from './occasion.ts'
import type { Rules } from './rules.ts'
import { allowed, denied, deniedBy, settle } from './settle.ts'
import { joinStepUps } from './step-up.ts'
import { ask, type View, viewFor } from './view.ts'

/** The rule named by decisions about being connected at all, which no single rule of a file makes. */
export const CONNECTION_RULE = 'builtin:connection'

/**
 * Longest name or URI that any rule is asked about, in UTF-16 units: canonical URIs end at 4 KiB, names
 * of tools far below. It bounds what a hostile name can cost; what is longer is denied, like a name
 * that does not exist.
 */
export const MAX_NAME_LENGTH = 4096

/**
 * What the rules say about this call on this occasion. A server the rules do not know denies everything.
 * Where several rules would decide alike, the one named does not depend on their order either.
 */
export function decide(rules: Rules, caller: Caller, call: Call, occasion: Occasion): Decision {
  const view = viewFor(rules, caller, { occasion, asking: 'call', call, method: call.method })
  if (view === undefined) return denied(call.targets[0])
  if (call.method === 'subscriptions/listen') return decideListen(view, call)
  switch (call.needs) {
    case 'connection':
      return decideConnection(view, call.method)
    case 'method':
      return settle(findForMethod(view, call.method), undefined, view)
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
  // Whoever asks for completions has no arguments yet.
  const asked = method === 'completion/complete' ? ask(view, 'name') : view
  const found = findForTarget(asked, method, target)
  const decision = settle(found, target, asked)
  if (decision.effect === 'deny' && target.tools !== undefined) {
    return decidePage(view, decision, target.tools)
  }
  const mayShow = view.here.conditional && (found.deny === undefined || found.deny.conditional)
  return mayShow ? uncovered(decision, view, target) : decision
}

/**
 * The page of a tool may be read by whoever lists show the tool, unless a rule denies the page itself: it
 * is what the client draws and not what the tool returns, and clients fetch it ahead of a call.
 */
function decidePage(view: View, own: Deny, tools: readonly string[]): Allow | Deny {
  if (own.reason === 'deny_rule') return own
  const asked = ask(view, 'name', 'tools/call')
  let lacking: Deny | undefined
  for (const name of tools) {
    if (name.length > MAX_NAME_LENGTH) continue
    const found = findForTarget(asked, 'tools/call', { kind: 'tool', name })
    const decision = settle(found, own.target, asked)
    if (decision.effect === 'allow') return onlyRead(decision)
    if (decision.effect === 'require') return onlyRead(decision.allow)
    if (decision.missingScopes.length > 0) lacking ??= decision
  }
  return own.missingScopes.length > 0 ? own : (lacking ?? own)
}

/** What is only read is no use of a grant or a budget, and goes up with the same credential. */
function onlyRead({ rule, credential }: Allow): Allow {
  return credential === undefined ? allowed(rule) : { ...allowed(rule), credential }
}

/**
 * A task is as allowed as calling the tool that made it: what it results in is what the tool returns. No
 * rule speaks of a task whose tool is not known.
 */
function decideTask(view: View, method: string, target: Target): Decision {
  const asked = ask(view, 'task')
  const found = findForTarget(asked, method, target)
  if (found.deny !== undefined) return settle(found, target, asked)
  const name = target.task?.tool ?? ''
  if (name === '' || name.length > MAX_NAME_LENGTH) return denied(target)
  const calling = ask(view, 'task', 'tools/call')
  return settle(findForTarget(calling, 'tools/call', { kind: 'tool', name }), target, calling)
}

/** A name that lists show the caller is refused as what it is, and not as one that does not exist. */
function uncovered(decision: Decision, view: View, target: Target): Decision {
  if (decision.effect !== 'deny' || !decision.hidden || view.asking !== 'call') return decision
  const method = LISTED_FOR[target.kind]
  return isShown(decideTarget(ask(view, 'name', method), method, target))
    ? { ...decision, hidden: false }
    : decision
}

/** What one would do with a listed entry: the method that rules which name methods are held against. */
export const LISTED_FOR = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'resources/read',
  task: 'tasks/get',
} as const satisfies Record<Target['kind'], string>

/** Whether lists show what this is the decision about: what may be used, and what the caller can get to. */
export function isShown(decision: Decision): boolean {
  if (decision.effect !== 'deny') return true
  return !decision.hidden && decision.reason !== 'deny_rule'
}

/**
 * Every target must be allowed. Scopes and signing in anew are asked for only when nothing else is in the
 * way, and approval only when neither is missing; all at once.
 */
function decideTargets(view: View, call: Call): Decision {
  let allow: Allow | undefined
  let lacking: Deny[] | undefined
  let waiting: Require | undefined
  for (const target of call.targets) {
    const decision = decideTarget(view, call.method, target)
    if (decision.effect === 'allow') allow = withObligationsOf(allow, decision)
    else if (decision.effect === 'require') waiting = withApprovalsOf(waiting, decision)
    else if (decision.missingScopes.length === 0 && decision.stepUp === undefined) return decision
    else (lacking ??= []).push(decision)
  }
  if (lacking !== undefined) return askedTogether(lacking)
  return waiting ?? allow ?? denied(undefined)
}

/** The stream is opened for whoever may connect; targets it may not follow are dropped from it. */
function decideListen(view: View, call: Call): Decision {
  const connection = decideConnection(view, call.method)
  if (connection.effect === 'deny' || call.targets.length === 0) return connection
  const dropped: Target[] = []
  let obligations: Allow['obligations']
  for (const target of call.targets) {
    const decision = decideTarget(view, call.method, target)
    if (decision.effect === 'allow') {
      obligations = bothObligations(obligations, decision.obligations)
    } else dropped.push(target)
  }
  return { ...connection, dropped, ...(obligations !== undefined && { obligations }) }
}

/** Missing scopes do not keep a caller out: it may connect to be told which. */
function decideConnection(view: View, method: string): Allow | Deny {
  const { deny, allow, lacking } = findForConnection(ask(view, 'connection'), method)
  if (deny !== undefined) return deniedBy(deny, undefined)
  return (allow ?? lacking) === undefined ? denied(undefined) : allowed(CONNECTION_RULE)
}

/** What would mend all of these denials; no way of signing in may content them all, then nothing is asked for. */
function askedTogether(denials: readonly Deny[]): Deny {
  const [first] = denials
  const stepUps = denials.flatMap(({ stepUp }) => stepUp ?? [])
  const named = denials.find(({ stepUp }) => stepUp !== undefined) ?? first ?? denied(undefined)
  const { stepUp: _own, ...deny } = named
  const missingScopes = [...new Set(denials.flatMap((one) => one.missingScopes))]
  if (stepUps.length === 0) return { ...deny, missingScopes }
  const stepUp = joinStepUps(stepUps)
  return stepUp === undefined ? { ...deny, missingScopes: [] } : { ...deny, missingScopes, stepUp }
}

function withApprovalsOf(first: Require | undefined, second: Require): Require {
  if (first === undefined) return second
  const both = withObligationsOf(first, second)
  return { ...both, approvals: [...first.approvals, ...second.approvals] }
}
