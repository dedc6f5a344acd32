/**
 * What this process holds of budgets that it shares: taken in advance for the calls of the next tenth of a
 * second, so that most calls on a busy budget ask nobody, and what it has been refused, so that a caller
 * over its limit asks nobody either.
 */
import type { Draw } from '../model/limits.ts'
import type { Expense } from './buckets.ts'

/** Calls taken in advance are those of this many milliseconds, at the pace of the last lease. */
const AHEAD_MS = 100

/** Of a burst, at most this part is taken in advance by one process. */
const AHEAD_PART = 0.1

/**
 * What was taken in advance is good for this long, in milliseconds, or for as long as the budget takes to
 * make it anew, if that is longer. So more passes than one may by a quarter second's rate, or by
 * `AHEAD_PART` of the burst, however many processes share it.
 */
const LIFE_MS = 250

/** Budgets remembered, about 200 bytes each with its key; above it those that hold nothing go, then the oldest half. */
const MAX_LEASES = 100_000

type Lease = {
  left: number
  /** Spent since the lease was taken. */
  used: number
  sinceMs: number
  endsMs: number
  /** Questions under way about this budget. */
  asking: number
  /** So much is not there before `refusedUntilMs`. */
  refused: number
  refusedUntilMs: number
}

export type Leases = {
  /** Milliseconds for which the expense is known not to be there; 0 when nothing is known. */
  waitMs(expense: Expense, nowMs: number): number
  /** Takes what is held, up to the cost; returns what is missing of it. */
  take(expense: Expense, nowMs: number): number
  /** Undoes a `take` of so much. */
  putBack(key: string, units: number): void
  /** Puts back what was spent and nothing came of; it is good until the budget has made it anew. */
  giveBack(expense: Expense, spentMs: number): void
  /** What to ask for when so much is missing; `granted`, `refused` or `unanswered` follows. */
  ask(expense: Expense, missing: number, nowMs: number): Draw
  granted(draw: Draw, units: number, nowMs: number): void
  refused(draw: Draw, waitMs: number, nowMs: number): void
  unanswered(draw: Draw): void
  /** Budgets remembered. */
  readonly size: number
}

/** @param maxLeases For tests. All times are milliseconds of one clock that never goes back. */
export function createLeases(maxLeases: number = MAX_LEASES): Leases {
  const leases = new Map<string, Lease>()

  const makeRoom = (nowMs: number): void => {
    for (const [key, { endsMs, refusedUntilMs, asking }] of leases) {
      if (endsMs <= nowMs && refusedUntilMs <= nowMs && asking === 0) leases.delete(key)
    }
    let surplus = leases.size < maxLeases ? 0 : leases.size - Math.floor(maxLeases / 2)
    for (const key of leases.keys()) {
      if (surplus === 0) break
      leases.delete(key)
      surplus -= 1
    }
  }
  const leaseOf = (key: string, nowMs: number): Lease => {
    let lease = leases.get(key)
    if (lease !== undefined) return lease
    if (leases.size >= maxLeases) makeRoom(nowMs)
    lease = {
      left: 0,
      used: 0,
      sinceMs: nowMs,
      endsMs: 0,
      asking: 0,
      refused: 0,
      refusedUntilMs: 0,
    }
    leases.set(key, lease)
    return lease
  }
  const answered = (key: string): Lease | undefined => {
    const lease = leases.get(key)
    if (lease !== undefined && lease.asking > 0) lease.asking -= 1
    return lease
  }

  return {
    waitMs({ key, cost }, nowMs) {
      const lease = leases.get(key)
      if (lease === undefined || lease.refusedUntilMs <= nowMs) return 0
      // What is held is not counted: it may be less than it was when this was refused.
      return cost - (lease.endsMs > nowMs ? lease.left : 0) >= lease.refused
        ? lease.refusedUntilMs - nowMs
        : 0
    },
    take({ key, cost }, nowMs) {
      const lease = leases.get(key)
      if (lease === undefined || lease.endsMs <= nowMs) return cost
      const taken = Math.min(cost, lease.left)
      lease.left -= taken
      lease.used += taken
      return cost - taken
    },
    putBack(key, units) {
      const lease = leases.get(key)
      if (lease === undefined) return
      lease.left += units
      lease.used -= units
    },
    giveBack({ key, budget, cost }, spentMs) {
      const lease = leases.get(key)
      if (lease === undefined) return
      lease.left += cost
      lease.used -= cost
      lease.endsMs = Math.max(lease.endsMs, spentMs + (cost * 1_000) / budget.perSecond)
    },
    ask({ key, budget }, missing, nowMs) {
      const lease = leaseOf(key, nowMs)
      const pace = Math.max(0, lease.used) / Math.max(1, nowMs - lease.sinceMs)
      const most = Math.floor(budget.burst * AHEAD_PART)
      // One question at a time takes in advance, or a burst would be taken by whoever is busiest.
      const ahead = lease.asking === 0 ? Math.min(most, Math.floor(pace * AHEAD_MS)) : 0
      lease.asking += 1
      return { key, budget, need: missing, want: missing + ahead }
    },
    granted({ key, budget, need }, units, nowMs) {
      const lease = answered(key)
      if (lease === undefined) return
      if (lease.endsMs <= nowMs) lease.left = 0
      lease.left += units - need
      lease.used = need
      lease.sinceMs = nowMs
      lease.endsMs = nowMs + Math.max(LIFE_MS, (lease.left * 1_000) / budget.perSecond)
    },
    refused({ key, need }, waitMs, nowMs) {
      const lease = answered(key)
      if (lease === undefined) return
      lease.refused = need
      lease.refusedUntilMs = nowMs + waitMs
    },
    unanswered({ key }) {
      answered(key)
    },
    get size() {
      return leases.size
    },
  }
}
