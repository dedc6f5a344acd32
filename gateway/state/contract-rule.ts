import type { StoreProblem } from './store-error.ts'
import { StoreError } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'

/** A clock that stands still until told otherwise; epoch milliseconds. */
export type ToldClock = { nowMs: number }

/** Adds one rule of the contract: a test with an empty store and a clock of its own. */
export type Rule = (
  text: string,
  check: (store: SweptStore, clock: ToldClock) => Promise<void>,
) => void

/** For `assert.rejects` and `assert.throws`: a store error of this code. */
export function storeError(code: StoreProblem): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code
}
