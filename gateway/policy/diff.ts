/** What changes when one rule set takes the place of another, over calls that were or could be made. */
import type { Decision } from '../model/decision.ts'
import { decide } from './decide.ts'
import type { AskedCall } from './recorded-call.ts'
import type { Rules } from './rules.ts'

/** One call that the two rule sets decide otherwise. */
export type DecisionChange = {
  readonly asked: AskedCall
  readonly count: number
  readonly before: Decision
  readonly after: Decision
}

/** Changes in the order of the calls; `other` has the same effect for another reason or by another rule. */
export type PolicyDiff = {
  /** Calls, each as often as it was made. */
  readonly calls: number
  /** Different calls. */
  readonly distinct: number
  readonly denied: readonly DecisionChange[]
  readonly allowed: readonly DecisionChange[]
  readonly other: readonly DecisionChange[]
}

/** Asks both rule sets about every call. */
export function diffPolicies(
  before: Rules,
  after: Rules,
  asked: Iterable<AskedCall & { readonly count?: number }>,
): PolicyDiff {
  const changes: DecisionChange[] = []
  let calls = 0
  let distinct = 0
  for (const one of asked) {
    const { caller, call, server, count = 1 } = one
    const was = decide(before, caller, call, server)
    const is = decide(after, caller, call, server)
    calls += count
    distinct += 1
    if (outcome(was) !== outcome(is)) changes.push({ asked: one, count, before: was, after: is })
  }
  const into = (effect: Decision['effect']): readonly DecisionChange[] =>
    changes.filter((change) => change.before.effect !== effect && change.after.effect === effect)
  return {
    calls,
    distinct,
    denied: into('deny'),
    allowed: into('allow'),
    other: changes.filter((change) => change.before.effect === change.after.effect),
  }
}

/** How many calls the changes are, each as often as it was made. */
export function countCalls(changes: readonly DecisionChange[]): number {
  return changes.reduce((sum, { count }) => sum + count, 0)
}

/** Everything about a decision that an operator or a caller could tell it apart by. */
function outcome(decision: Decision): string {
  return JSON.stringify(decision)
}
