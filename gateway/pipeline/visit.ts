import type { Capability } from '../mcp/capabilities.ts'
import type { ListName } from '../mcp/message.ts'
import type { Caller } from '../model/caller.ts'
import type { Journey } from '../model/journey.ts'
import type { McpServer, SideRoute } from '../model/server.ts'
import type { Departing } from '../upstream/conversations.ts'
import type { Source } from '../upstream/answer.ts'
import type { Found } from '../vault/found.ts'
import type { Head } from './admit.ts'
import type { KnownTask } from './tasks.ts'

/**
 * How a stream ends when its source breaks off or the gateway ends it: `cut` leaves the client with an
 * answer it can see is not whole, as for JSON; `clean` is for a stream that owes nothing, as one that
 * only listens: its end is an end like any other (a source that breaks off is cut all the same); last
 * words are written before the cut, so that a caller need not wait for a time-out, or are the end.
 */
export type StreamEnding = 'cut' | 'clean' | { readonly lastWords: (error: unknown) => LastWords }

/** What is written last, and whether the answer is whole with it. */
export type LastWords = { readonly text: string; readonly after: 'cut' | 'end' }

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
        readonly ending: StreamEnding
      }
}

/** A session of a legacy server, as its handle tells. */
export type Session = {
  /** What the client knows it by. */
  readonly handle: string
  /** The server's own id. */
  readonly id: string
  /** The protocol version that was negotiated; empty when the server's answer did not say. */
  readonly version: string
  /** What its client said in `initialize` that it can be asked. */
  readonly declared: readonly Capability[]
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
   * @throws {Refusal} `too_large` as soon as it is known, `body_broken_off`.
   */
  body(maxBytes: number): Promise<Uint8Array>
  /** True once the client hung up; nothing can be told it any more. */
  readonly gone: boolean
  /** The running exchange with the server, to be released when the client hangs up. */
  exchange: Departing | undefined
  /** The request head, once admitted. */
  head: Head | undefined
  /** The server this visit is for, once routed. */
  server: McpServer | undefined
  /** The legacy session it is in, once its handle has been opened. */
  session?: Session | undefined
  /**
   * HTTP+SSE: where messages of this session go at the server, path and query. Known of a stream once the
   * server has said it, and of a POST once its handle is open.
   */
  endpoint?: string | undefined
  /** Headers with the credential that was sent up, flat; they are taken out of the answer. */
  injected?: readonly string[] | undefined
  /** The same as it was found for this caller, so that it can be renewed; undefined for a static one. */
  found?: Found | undefined
  /** What its message says that the client can be asked; undefined when it does not say. */
  declared?: readonly Capability[] | undefined
  /** Of a subscription that its server has acknowledged: the lists whose changes it is told. */
  hears?: readonly ListName[] | undefined
  /** Tasks of this caller that its call names, by the ids of the server. */
  tasks?: Map<string, KnownTask>
  /** Ids of the requests in an array of messages, as their bytes read; undefined when there is no array. */
  batch?: readonly string[] | undefined
  /** What of the server it asks for, when that is not MCP. */
  side?: SideRoute | undefined
  /** The place it takes among its caller's open calls or streams. */
  occupies: { readonly caller: Caller; readonly occupation: 'call' | 'stream' } | undefined
  /** Settles when the client has taken everything or is gone; rejects when the answer broke off. */
  reply(outgoing: Outgoing): Promise<void>
}

/** A visit whose head and server are known. */
export type Seated = Visit & { readonly head: Head; readonly server: McpServer }
