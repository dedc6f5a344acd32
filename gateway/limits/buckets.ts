/**
 * Leaky buckets as a meter (GCRA, ITU-T I.371): of each bucket only the moment is kept at which it will be
 * empty again. They are this process's own.
 */

import type { Budget, Draw, Drawn } from '../model/limits.ts'

/** What one call takes out of one bucket. */
export type Expense = {
  readonly key: string
  readonly budget: Budget
  /** At least 0. */
  readonly cost: number
}

export type Buckets = {
  /**
   * Takes all the expenses, or none when one of them is too much now: then the seconds after which that
   * one can be had, and which it is. What costs more than a whole burst is had once the bucket is empty.
   *
   * @param nowMs Milliseconds that never go back.
   */
  spend<Own extends Expense>(
    expenses: readonly Own[],
    nowMs: number,
  ): Shortage<Own> | undefined | Promise<Shortage<Own> | undefined>
  /**
   * Puts back what `spend` took and nothing came of, as far as it has not run out of the bucket since.
   *
   * @param spentMs When it was taken.
   */
  giveBack(expenses: readonly Expense[], spentMs: number, nowMs: number): void
}

/** Buckets of this process alone. */
export type LocalBuckets = Omit<Buckets, 'spend'> & {
  /** As `Buckets`, at once. */
  spend<Own extends Expense>(expenses: readonly Own[], nowMs: number): Shortage<Own> | undefined
  /** Gives some of each, as to one of several processes that share them. */
  draw(draws: readonly Draw[], nowMs: number): Drawn
  /** Buckets that are not empty, and some that are. */
  readonly size: number
}

export type Shortage<Own extends Expense> = {
  readonly expense: Own
  readonly retryAfterSeconds: number
}

/**
 * Buckets kept; about 150 bytes each with its key. Above it the empty ones go, and if all are in use the
 * oldest half: a limit that forgets is better than one that locks everybody out.
 */
const MAX_BUCKETS = 100_000

/** @param maxBuckets For tests. */
export function createBuckets(maxBuckets: number = MAX_BUCKETS): LocalBuckets {
  /** When each bucket will be empty, in the milliseconds of `spend`. */
  const emptyAtMs = new Map<string, number>()
  const makeRoom = (nowMs: number): void => {
    for (const [key, ms] of emptyAtMs) if (ms <= nowMs) emptyAtMs.delete(key)
    if (emptyAtMs.size < maxBuckets) return
    let surplus = emptyAtMs.size - Math.floor(maxBuckets / 2)
    for (const key of emptyAtMs.keys()) {
      if (surplus === 0) break
      emptyAtMs.delete(key)
      surplus -= 1
    }
  }
  const levelMs = (key: string, nowMs: number): number =>
    Math.max(0, (emptyAtMs.get(key) ?? 0) - nowMs)
  const waitMs = ({ key, budget: { perSecond, burst }, cost }: Expense, nowMs: number): number => {
    const roomFor = Math.min(cost, burst)
    return levelMs(key, nowMs) + ((roomFor - burst) * 1_000) / perSecond
  }
  const fill = (key: string, { perSecond }: Budget, units: number, nowMs: number): void => {
    if (emptyAtMs.size >= maxBuckets && !emptyAtMs.has(key)) makeRoom(nowMs)
    emptyAtMs.set(key, nowMs + levelMs(key, nowMs) + (units * 1_000) / perSecond)
  }
  return {
    spend(expenses, nowMs) {
      for (const expense of expenses) {
        const ms = waitMs(expense, nowMs)
        if (ms > 0) return { expense, retryAfterSeconds: Math.ceil(ms / 1_000) }
      }
      for (const { key, budget, cost } of expenses) fill(key, budget, cost, nowMs)
      return undefined
    },
    giveBack(expenses, spentMs, nowMs) {
      for (const { key, budget, cost } of expenses) {
        const leftMs = Math.max(0, (cost * 1_000) / budget.perSecond - (nowMs - spentMs))
        const level = levelMs(key, nowMs)
        if (level > 0) emptyAtMs.set(key, nowMs + Math.max(0, level - leftMs))
      }
    },
    draw(draws, nowMs) {
      for (const [at, { key, budget, need }] of draws.entries()) {
        const ms = waitMs({ key, budget, cost: need }, nowMs)
        if (ms > 0) return { ok: false, at, waitMs: ms }
      }
      const granted = draws.map(({ key, budget, need, want }) => {
        const room = Math.floor(budget.burst - (levelMs(key, nowMs) * budget.perSecond) / 1_000)
        const units = Math.max(need, Math.min(want, room))
        fill(key, budget, units, nowMs)
        return units
      })
      return { ok: true, granted }
    },
    get size() {
      return emptyAtMs.size
    },
  }
}
