import type { Caller } from '../model/caller.ts'
import type { Journey } from '../model/journey.ts'
import type { McpServer } from '../model/server.ts'
import type { Exchange } from '../upstream/exchange.ts'
import type { Source } from '../upstream/answer.ts'
import type { Head } from './admit.ts'

/** What goes back to the client. */
export type Outgoing = {
  readonly status: number
  /** Flat name, value, name, value. */
  readonly headers: readonly string[]
  /** Nothing that follows on the connection may be read. */
  readonly connection?: 'close'
  readonly body:
    | { readonly kind: 'whole'; readonly bytes: Uint8Array | string | undefined }
    | {
        readonly kind: 'stream'
        readonly source: Source
        /**
         * What is written before the connection is cut when the source breaks off. Without it nothing
         * is, as for JSON, or nothing is owed, as for a stream that only listens.
         */
        readonly farewell: (() => string) | undefined
      }
}

/**
 * One HTTP exchange with a client, without its socket. `server/` makes it, the pipeline works on it,
 * and `reply` is the only way back.
 */
export type Visit = {
  readonly journey: Journey
  readonly httpMethod: string
  readonly httpVersion: string
  /** The request target as it stood in the request line. */
  readonly target: string
  /** Flat name, value, name, value, as received. */
  readonly rawHeaders: readonly string[]
  /**
   * The whole request body. Nothing is read before the first call.
   * @throws {Refusal} `too_large` as soon as it is known, `bad_target` when it breaks off.
   */
  body(maxBytes: number): Promise<Uint8Array>
  /** True once the client hung up; nothing can be told it any more. */
  readonly gone: boolean
  /** The running exchange with the server, to be released when the client hangs up. */
  exchange: Exchange | undefined
  /** The request head, once admitted. */
  head: Head | undefined
  /** The server this visit is for, once routed. */
  server: McpServer | undefined
  /** The place it takes among its caller's open calls or streams. */
  occupies: { readonly caller: Caller; readonly occupation: 'call' | 'stream' } | undefined
  /** Settles when everything is handed over; rejects when the answer broke off. */
  reply(outgoing: Outgoing): Promise<void>
}

/** A visit whose head and server are known. */
export type Seated = Visit & { readonly head: Head; readonly server: McpServer }
