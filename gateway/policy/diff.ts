/** What changes when one rule set takes the place of another, over calls that were or could be made. */
import type { Decision } from '../model/decision.ts'
import { callerWithIncluded, NO_INCLUDES, type ScopeIncludes } from '../model/scope-includes.ts'
import { covers } from './coverage.ts'
import { decide } from './decide.ts'
import { type Occasion, occasionAt } from './occasion.ts'
import type { AskedCall } from './recorded-call.ts'
import type { Rules } from './rules.ts'
import { fitSubjects } from './subject.ts'

/** One call that the two rule sets decide otherwise. */
export type DecisionChange = {
  readonly asked: AskedCall
  readonly count: number
  readonly before: Decision
  readonly after: Decision
}

/** Changes in the order of the calls; `denied` may wait for approval; `other` is allowed
 * before and after, or neither, by another rule or for another reason. */
export type PolicyDiff = {
  /** Calls, each as often as it was made. */
  readonly calls: number
  /** Different calls. */
  readonly distinct: number
  /**
   * Calls that some rule would ask about their arguments, which are not known: they are decided as if there
   * were none.
   */
  readonly withoutArguments: number
  readonly denied: readonly DecisionChange[]
  readonly allowed: readonly DecisionChange[]
  readonly other: readonly DecisionChange[]
}

/** The time and facts to ask by: those of the call, and nothing granted, by default. */
export type AskedAt = Partial<Pick<Occasion, 'nowMs' | 'facts'>>

/** Scopes that count for others, before and after; by default none does. */
export type IncludesOfBoth = { readonly before: ScopeIncludes; readonly after: ScopeIncludes }

const NEITHER: IncludesOfBoth = { before: NO_INCLUDES, after: NO_INCLUDES }

/** Asks both rule sets about every call. */
export function diffPolicies(
  before: Rules,
  after: Rules,
  asked: Iterable<AskedCall & { readonly count?: number }>,
  { includes = NEITHER, ...at }: AskedAt & { readonly includes?: IncludesOfBoth } = {},
): PolicyDiff {
  const changes: DecisionChange[] = []
  let calls = 0
  let distinct = 0
  let withoutArguments = 0
  const readers = [argumentReaders(before), argumentReaders(after)]
  for (const one of asked) {
    const { caller, call, server, count = 1, atMs = 0 } = one
    const occasion = one.occasion ?? occasionAt(server, { nowMs: atMs, ...at })
    const was = decide(before, callerWithIncluded(caller, includes.before), call, occasion)
    const is = decide(after, callerWithIncluded(caller, includes.after), call, occasion)
    calls += count
    distinct += 1
    const isAsked = occasion.frame === undefined && readers.some((reads) => reads(one))
    if (isAsked) withoutArguments += count
    if (outcome(was) !== outcome(is)) changes.push({ asked: one, count, before: was, after: is })
  }
  return {
    calls,
    distinct,
    withoutArguments,
    denied: changes.filter((one) => isAllowed(one.before) && !isAllowed(one.after)),
    allowed: changes.filter((one) => !isAllowed(one.before) && isAllowed(one.after)),
    other: changes.filter((one) => isAllowed(one.before) === isAllowed(one.after)),
  }
}

/** Tells of a call whether some rule that is about its caller and target reads arguments. */
function argumentReaders(rules: Rules): (asked: AskedCall) => boolean {
  const readers = new Map(
    [...rules.servers].map(([server, { reaches }]) => [
      server,
      reaches.filter(({ rule }) => rule.when?.reads.has('args') === true),
    ]),
  )
  return ({ caller, call, server }) =>
    (readers.get(server) ?? []).some(
      ({ rule, coverage }) =>
        call.targets.some((target) => covers(coverage, target, rule.effect)) &&
        fitSubjects(rule.subjects, caller).how !== 'fails',
    )
}

function isAllowed({ effect }: Decision): boolean {
  return effect === 'allow'
}

/** How many calls the changes are, each as often as it was made. */
export function countCalls(changes: readonly DecisionChange[]): number {
  return changes.reduce((sum, { count }) => sum + count, 0)
}

/** Everything about a decision that an operator or a caller could tell it apart by. */
function outcome(decision: Decision): string {
  return JSON.stringify(decision)
}
