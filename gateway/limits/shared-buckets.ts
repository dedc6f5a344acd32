/**
 * Buckets that several processes share. Calls are paid from what this process holds of them in advance;
 * when that is used up, whoever keeps the buckets is asked, which takes at most `SHARED_ANSWER_MS`. While
 * it cannot be reached each process counts for itself, with its part of every limit: more may pass than
 * one may, and never without a limit.
 */
import type { Draw, Drawn, SharedBudgets } from '../model/limits.ts'
import { messageOf } from '../model/message-of.ts'
import type { Buckets, Expense, Shortage } from './buckets.ts'
import { createBuckets } from './buckets.ts'
import { createLeases } from './leases.ts'

export type SharedBucketsOptions = {
  readonly shared: SharedBudgets
  /** Monotonic milliseconds, those that `spend` is told. */
  readonly tick: () => number
  /** Hears when the keeper cannot be reached any more, and when it can again. */
  readonly notice: (what: 'limits_away' | 'limits_back', detail: string) => void
}

/** How the questions so far ended, and what was decided without any. */
export type SharedCounts = {
  readonly granted: number
  readonly refused: number
  readonly failed: number
  /** Calls that were counted by this process alone, because nobody answered. */
  readonly alone: number
}

export type SharedBuckets = Buckets & {
  /** Looks whether the keeper is there, and how many share with it. Call it every second. */
  look(): Promise<void>
  readonly health: SharedHealth
  readonly counts: SharedCounts
}

export type SharedHealth = {
  readonly away: boolean
  /** How many processes share, as far as is known; at least 1. */
  readonly processes: number
}

export function createSharedBuckets(options: SharedBucketsOptions): SharedBuckets {
  const { shared, tick, notice } = options
  const leases = createLeases()
  const alone = createBuckets()
  const counts = { granted: 0, refused: 0, failed: 0, alone: 0 }
  let away = false
  let processes = 1

  const fail = (error: unknown): void => {
    if (away) return
    away = true
    const why = messageOf(error)
    notice('limits_away', `each of ${processes} counts its part for itself: ${why}`)
  }
  const putBack = (taken: readonly Taken[]): void => {
    for (const { key, units } of taken) leases.putBack(key, units)
  }
  const spendAlone = <Own extends Expense>(
    expenses: readonly Own[],
    nowMs: number,
  ): Shortage<Own> | undefined => {
    counts.alone += 1
    return alone.spend(partOf(expenses, processes), nowMs)
  }
  const ask = async <Own extends Expense>(
    asked: Asked<Own>,
  ): Promise<Shortage<Own> | undefined> => {
    const { expenses, taken, lacking, draws } = asked
    let drawn: Drawn
    try {
      drawn = await shared.draw(draws)
    } catch (error) {
      counts.failed += 1
      for (const draw of draws) leases.unanswered(draw)
      putBack(taken)
      fail(error)
      return spendAlone(expenses, tick())
    }
    const nowMs = tick()
    if (drawn.ok) {
      counts.granted += 1
      for (const [at, draw] of draws.entries())
        leases.granted(draw, drawn.granted[at] ?? draw.need, nowMs)
      return undefined
    }
    counts.refused += 1
    putBack(taken)
    for (const [at, draw] of draws.entries()) {
      if (at === drawn.at) leases.refused(draw, drawn.waitMs, nowMs)
      else leases.unanswered(draw)
    }
    const expense = lacking[drawn.at]
    return expense && { expense, retryAfterSeconds: Math.ceil(drawn.waitMs / 1_000) }
  }

  return {
    spend(expenses, nowMs) {
      for (const expense of expenses) {
        const ms = leases.waitMs(expense, nowMs)
        if (ms > 0) return { expense, retryAfterSeconds: Math.ceil(ms / 1_000) }
      }
      const taken: Taken[] = []
      const lacking: (typeof expenses)[number][] = []
      const missing: number[] = []
      for (const expense of expenses) {
        const rest = leases.take(expense, nowMs)
        if (rest < expense.cost) taken.push({ key: expense.key, units: expense.cost - rest })
        if (rest === 0) continue
        lacking.push(expense)
        missing.push(rest)
      }
      if (lacking.length === 0) return undefined
      if (away) {
        putBack(taken)
        return spendAlone(expenses, nowMs)
      }
      const draws = lacking.map((expense, at) => leases.ask(expense, missing[at] ?? 0, nowMs))
      return ask({ expenses, taken, lacking, draws })
    },
    giveBack(expenses, spentMs, nowMs) {
      if (away) alone.giveBack(partOf(expenses, processes), spentMs, nowMs)
      else for (const expense of expenses) leases.giveBack(expense, spentMs)
    },
    async look() {
      try {
        processes = Math.max(1, await shared.attend())
        if (!away) return
        away = false
        notice('limits_back', `${processes} share their limits again`)
      } catch (error) {
        fail(error)
      }
    },
    get health() {
      return { away, processes }
    },
    get counts() {
      return counts
    },
  }
}

type Taken = { readonly key: string; readonly units: number }

type Asked<Own extends Expense> = {
  readonly expenses: readonly Own[]
  /** Of what is held in advance. */
  readonly taken: readonly Taken[]
  /** What is not held, and what is asked for it, in the same order. */
  readonly lacking: readonly Own[]
  readonly draws: readonly Draw[]
}

/** The same expenses where this process has one of so many equal parts of each budget. */
function partOf<Own extends Expense>(expenses: readonly Own[], parts: number): readonly Own[] {
  return expenses.map((expense) => {
    const { perSecond, burst } = expense.budget
    return { ...expense, budget: { perSecond: perSecond / parts, burst: burst / parts } }
  })
}
