/**
 * What the scanner keeps of one JSON-RPC message: the members a decision depends on, decoded, and the
 * byte spans of the values a gateway may have to replace. Everything else stays bytes.
 */
import type { Span, SpliceName } from '../model/call.ts'
import type { Round } from './input-required.ts'
import type { Capability } from './capabilities.ts'

/** A JSON-RPC id. `text` is its bytes as they read (`7`, `"a"`), for echoing and comparing. */
export type RpcId = {
  readonly text: string
  readonly value: string | number
  readonly span: Span
}

/** `params.ref` of `completion/complete`; a member that is absent or not a string is undefined. */
export type Ref = {
  readonly type: string | undefined
  readonly name: string | undefined
  readonly uri: string | undefined
}

/** Lists that tell when they change. */
export type ListName = 'tools' | 'prompts' | 'resources'

/** `params.notifications` of `subscriptions/listen` and of its acknowledgement. */
export type Listening = {
  readonly resources: readonly string[]
  readonly tasks: readonly string[]
  /** Whose changes are listened to. */
  readonly lists: readonly ListName[]
}

/** What `params._meta` says about the era, and the trace the message is part of. */
export type Meta = {
  /** Whether the `io.modelcontextprotocol/protocolVersion` key is there, whatever its value. */
  readonly claimsModern: boolean
  /** Its value; undefined when absent or not a string. */
  readonly protocolVersion: string | undefined
  /** What `io.modelcontextprotocol/clientCapabilities` declares; undefined unless it is an object. */
  readonly clientCapabilities: readonly Capability[] | undefined
  /** As it reads (W3C Trace Context; SEP-414), not checked yet. */
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

/**
 * The members of `params` that some method's decision depends on. A text is undefined when the member
 * is absent or not a string; `spans` tells the two apart for the values it covers.
 */
export type Params = {
  readonly name: string | undefined
  readonly uri: string | undefined
  readonly taskId: string | undefined
  readonly requestState: string | undefined
  /** `protocolVersion` of `initialize`. */
  readonly protocolVersion: string | undefined
  /** What `capabilities` of `initialize` declare; undefined unless they are an object. */
  readonly capabilities: readonly Capability[] | undefined
  /** `mode` of `elicitation/create`; empty when it is not a string. */
  readonly mode: string | undefined
  /** `url` of `elicitation/create`; empty when it is not a string. */
  readonly url: string | undefined
  /** What a task that a notification tells of asks of its client; undefined when it asks nothing. */
  readonly inputs: Pick<Round, 'asked' | 'unfit'> | undefined
  readonly requestId: RpcId | undefined
  readonly ref: Ref | undefined
  /** Undefined when `notifications` is absent or not of the specified shape. */
  readonly listening: Listening | undefined
  readonly meta: Meta | undefined
  readonly arguments: Span | undefined
  /** Whether `arguments` is absent, an object or null. */
  readonly argumentsFit: boolean
}

/** One JSON-RPC 2.0 message of a frame. */
export type Message = {
  readonly kind: 'request' | 'notification' | 'response'
  /** The frame that all spans count in. */
  readonly bytes: Uint8Array
  /** Where the message stands in the frame; each element of a batch has its own. */
  readonly span: Span
  /** Undefined for notifications, and for error responses whose id is absent or null. */
  readonly id: RpcId | undefined
  /** Empty for responses. */
  readonly method: string
  /** Undefined when the message has no `params` member. */
  readonly params: Params | undefined
  /** What a response carries; undefined for requests and notifications. */
  readonly outcome: 'result' | 'error' | undefined
  /** Where the values stand that a gateway may have to replace, whatever their type. */
  readonly spans: Readonly<Partial<Record<SpliceName, Span>>>
}
