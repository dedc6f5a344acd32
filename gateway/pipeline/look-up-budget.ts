/** How many look-ups callers may cause on their WebSockets, of which one caller may have many. */
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'

/** Look-ups at one server that a caller may cause in `PERIOD_MS`, as many as over HTTP. */
const MAX_PER_CALLER = 5
const PERIOD_MS = 1_000

/** Callers remembered; the oldest are forgotten. */
const MAX_REMEMBERED = 1_000

export type LookUpBudget = {
  /** @throws {Refusal} `upstream_unavailable` when the caller has spent what it may. */
  spend(caller: Caller, server: string): void
}

/** @param tick Monotonic milliseconds. */
export function createLookUpBudget(tick: () => number): LookUpBudget {
  const spent = new Map<string, { readonly sinceTick: number; count: number }>()
  return {
    spend({ tenant, issuer, subject, client }, server) {
      const party = JSON.stringify([server, tenant, issuer, subject, client])
      let account = spent.get(party)
      if (account === undefined || tick() - account.sinceTick > PERIOD_MS) {
        account = { sinceTick: tick(), count: 0 }
        spent.delete(party)
        spent.set(party, account)
        const [oldest] = spent.keys()
        if (spent.size > MAX_REMEMBERED && oldest !== undefined) spent.delete(oldest)
      }
      if (account.count >= MAX_PER_CALLER) {
        const message = 'Too many calls of names that no list shows'
        throw new Refusal('upstream_unavailable', { message, detail: 'look-ups of one caller' })
      }
      account.count += 1
    },
  }
}
