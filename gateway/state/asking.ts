/**
 * Bounds on what is asked of a database over a network: how many operations wait at once, and how long
 * each may take.
 */
import { StoreError } from './store-error.ts'

/** Operations waiting for their answers; more are refused (`overloaded`). */
export const MAX_ASKED = 10_000

/** Milliseconds until an operation is given up; a write that timed out may still happen. */
export const ANSWER_TIMEOUT_MS = 5_000

export type AskingOptions = {
  /** Default `ANSWER_TIMEOUT_MS`. */
  readonly timeoutMs?: number | undefined
  /** Default `MAX_ASKED`. */
  readonly maxAsked?: number
  /** What an error of the database's client means; a `StoreError` passes as it is. */
  readonly problemOf: (error: unknown) => StoreError
}

/** Runs work within the bounds; whatever goes wrong is a `StoreError`. */
export type Asking = <T>(work: () => Promise<T>) => Promise<T>

export function createAsking(options: AskingOptions): Asking {
  const { timeoutMs = ANSWER_TIMEOUT_MS, maxAsked = MAX_ASKED, problemOf } = options
  let asked = 0
  return async (work) => {
    if (asked >= maxAsked) {
      throw new StoreError('overloaded', `${maxAsked} operations wait for the store`)
    }
    asked += 1
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new StoreError('timeout', `the store did not answer within ${timeoutMs} ms`)
      // An answer that came while the process was busy is read before it counts as late.
      timer = setTimeout(() => setImmediate(reject, error), timeoutMs)
    })
    try {
      return await Promise.race([work(), late])
    } catch (error) {
      throw error instanceof StoreError ? error : problemOf(error)
    } finally {
      clearTimeout(timer)
      asked -= 1
    }
  }
}
