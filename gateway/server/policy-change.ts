/** What a reload changes about the calls the gateway remembers, in one line for the log. */
import { setImmediate as turn } from 'node:timers/promises'
import { type DecisionChange, diffPolicies, type IncludesOfBoth } from '../policy/diff.ts'
import { summarizeDiff } from '../policy/format-diff.ts'
import type { Occasion } from '../policy/occasion.ts'
import type { AskedCall } from '../policy/recorded-call.ts'
import type { Rules } from '../policy/rules.ts'

/** Calls asked about before others get their turn: a new rule set meets most callers for the first time. */
const CALLS_PER_TURN = 20

/** The change; undefined when every call is decided with the same effect. */
export async function describePolicyChange(
  calls: readonly AskedCall[],
  change: {
    readonly before: Rules
    readonly after: Rules
    readonly includes: IncludesOfBoth
    /** Of both: what is asked is what would be decided now. */
    readonly occasion: Pick<Occasion, 'nowMs' | 'facts'>
  },
): Promise<string | undefined> {
  const denied: DecisionChange[] = []
  const allowed: DecisionChange[] = []
  for (let at = 0; at < calls.length; at += CALLS_PER_TURN) {
    const slice = calls.slice(at, at + CALLS_PER_TURN)
    const diff = diffPolicies(change.before, change.after, slice, {
      ...change.occasion,
      includes: change.includes,
    })
    denied.push(...diff.denied)
    allowed.push(...diff.allowed)
    await turn()
  }
  return summarizeDiff({ calls: calls.length, denied, allowed })
}
