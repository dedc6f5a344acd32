/** The protocol family of a request: modern is 2026-07-28 and later, legacy everything before. */
export type Era = 'modern' | 'legacy'

/** `up` travels from the caller to the server, `down` from the server to the caller. */
export type Direction = 'up' | 'down'

/** `route` is an HTTP request to a part of a server that is not MCP. */
export type CallKind =
  | 'request'
  | 'notification'
  | 'response'
  | 'open_stream'
  | 'end_session'
  | 'route'

export type TargetKind = 'tool' | 'prompt' | 'resource' | 'template' | 'task'

/** One thing a call asks for by name: a tool or prompt name, a resource URI, a URI template, a task id. */
export type Target = {
  readonly kind: TargetKind
  readonly name: string
  /** What a task id stands for; undefined for one that is not the caller's, and for all other kinds. */
  readonly task?: Task
  /** Of a `ui://` resource: tools that name it as their page, so that whoever may call one may read it. */
  readonly tools?: readonly string[]
}

/** A task as its server knows it. */
export type Task = {
  /** The server's own id; the name of the target is a handle. */
  readonly id: string
  /** The tool whose call made it, which decides who may ask about it; empty when that is not known. */
  readonly tool: string
}

/** A byte range of the frame, end exclusive. It covers a JSON value with its quotes or brackets. */
export type Span = { readonly start: number; readonly end: number }

/** The values a gateway may have to replace on the way up; nothing else is ever rewritten. */
export type SpliceName =
  | 'id'
  | 'requestId'
  | 'taskId'
  | 'taskIds'
  | 'relatedTask'
  | 'requestState'
  | 'inputResponses'
  | 'resourceSubscriptions'

/**
 * One thing asked, read from one frame. `targets` is a list because a `subscriptions/listen` names
 * many and a `tools/list` none.
 */
export type Call = {
  readonly direction: Direction
  readonly kind: CallKind
  readonly era: Era
  /** The protocol version in force, for example `2025-11-25`. */
  readonly version: string
  /** The JSON-RPC method; empty for responses, opened streams and ended sessions. */
  readonly method: string
  /**
   * What policy must allow: being connected to this server at all (plumbing such as `ping` or a list),
   * every one of `targets`, or the method by name (server-to-client requests, extension methods).
   */
  readonly needs: 'connection' | 'targets' | 'method'
  readonly targets: readonly Target[]
  /** The JSON-RPC id exactly as its bytes read (`7`, `"a"`), to be echoed; undefined where there is none. */
  readonly id: string | undefined
  /** Where `params.arguments` stands in the frame. */
  readonly arguments: Span | undefined
  readonly spans: Readonly<Partial<Record<SpliceName, Span>>>
}
