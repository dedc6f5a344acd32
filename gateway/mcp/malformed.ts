import type { RefusalCode } from '../model/refusal.ts'

/** The refusals this room can give reason for: rows of `REFUSALS` in `model/refusal.ts`. */
export type MalformedCode = Extract<
  RefusalCode,
  | 'parse_error'
  | 'invalid_request'
  | 'invalid_params'
  | 'header_mismatch'
  | 'unsupported_version'
  | 'unknown_method'
>

/** Why a frame, or one message of it, is not a call. The text never repeats what the caller sent. */
export type Malformed = {
  readonly code: MalformedCode
  readonly message: string
  /** The JSON-RPC id exactly as its bytes read, to be echoed; absent when it could not be trusted. */
  readonly id?: string
  /** JSON-RPC `error.data`. */
  readonly data?: Readonly<Record<string, unknown>>
}
