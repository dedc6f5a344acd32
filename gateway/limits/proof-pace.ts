/**
 * How many proofs (DPoP) of one caller are noted. A proof has to be noted, in the store that everybody needs, before
 * anything of the request is looked at, also where its call will then be too much.
 */
import type { Caller } from '../model/caller.ts'
import type { Budget, Limits } from '../model/limits.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { createBuckets, type Expense } from './buckets.ts'
import { createPartyNames } from './party.ts'

/** Requests for each call that is limited: notifications, answers, streams and what costs nothing come too. */
export const PROOFS_PER_CALL = 4

/**
 * Makes room for one more proof. Returns what gives it back, for one that turned out not to be noted.
 *
 * @throws {Refusal} `rate_limited` for a caller with limits that brings far more than they let it call.
 */
export type ProofPace = (caller: Caller, server: McpServer) => () => void

/** Of this process alone. @param tick Monotonic milliseconds. */
export function createProofPace(
  limits: Pick<Limits, 'callers' | 'servers'>,
  tick: () => number,
): ProofPace {
  const buckets = createBuckets()
  const partyOf = createPartyNames()
  return (caller, { name }) => {
    const [anywhere, here] = [limits.callers[caller.kind], limits.servers.get(name)?.caller]
    if (anywhere === undefined && here === undefined) return NOTHING_TAKEN
    const party = partyOf(caller)
    const expenses = [...expense(party, anywhere), ...expense(`${name} ${party}`, here)]
    const spentMs = tick()
    const shortage = buckets.spend(expenses, spentMs)
    if (shortage === undefined) return () => buckets.giveBack(expenses, spentMs, tick())
    const { retryAfterSeconds } = shortage
    throw new Refusal('rate_limited', { detail: 'too many proofs', retryAfterSeconds })
  }
}

const NOTHING_TAKEN = (): void => {}

function expense(key: string, budget: Budget | undefined): readonly Expense[] {
  if (budget === undefined) return []
  const perSecond = budget.perSecond * PROOFS_PER_CALL
  return [{ key, budget: { perSecond, burst: budget.burst * PROOFS_PER_CALL }, cost: 1 }]
}
