import type { Call, Target } from './call.ts'
import type { Caller } from './caller.ts'
import type { McpServer } from './server.ts'

declare const minted: unique symbol

/**
 * Proof that a rule allowed this call. Only `pipeline/authorize.ts` makes one; whatever forwards asks
 * for one, so nothing can go up that was not judged.
 */
export type Permit = {
  readonly [minted]: true
  readonly server: McpServer
  readonly caller: Caller
  readonly call: Call
  readonly rule: string
  /** Targets that were refused on their own; the call may go on only without them. */
  readonly dropped: readonly Target[]
  /** Name of the credential that the rule chose; undefined for that of the tool or the server. */
  readonly credential: string | undefined
  /** Of an array of messages: the permit of each, in order. Its own `call` then names nothing. */
  readonly elements?: readonly Permit[]
}
