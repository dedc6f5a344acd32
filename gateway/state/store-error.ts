/**
 * Why a store did not do what was asked. `invalid` and `too_large` are the caller's mistake; after
 * `away` (it cannot be reached), `busy`, `full`, `overloaded` and `closed` nothing was written; after `timeout`, `crashed` and
 * `failed` a write may have happened or not.
 */
export type StoreProblem =
  | 'invalid'
  | 'too_large'
  | 'away'
  | 'full'
  | 'busy'
  | 'overloaded'
  | 'timeout'
  | 'closed'
  | 'crashed'
  | 'failed'

/** A refused or failed operation of a store. Tell them apart by `code`, never by the text. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreProblem

  constructor(code: StoreProblem, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
