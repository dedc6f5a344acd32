/** Receives the body of an answer as it comes. */
export type Sink = {
  /** Returns false when the reader is slow: the source then waits for `resume`. */
  write(chunk: Uint8Array): boolean
  end(): void
  /** The answer broke off; whatever was sent is not whole. */
  fail(error: unknown): void
}

/** The unread body of an answer. Nothing flows before `pipe`. */
export type Source = {
  pipe(sink: Sink): void
  pause(): void
  resume(): void
  /** Gives the answer up and releases its connection. */
  abort(reason: unknown): void
}

/** What a server answered, reduced to what the gateway passes on or reads. */
export type Answer = {
  readonly status: number
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly sessionId: string | undefined
  readonly retryAfter: string | undefined
  readonly allow: string | undefined
  /** `WWW-Authenticate` of a 403; of anything else it is between the server and us. */
  readonly challenge?: string | undefined
  /** The beginning of a streamed body, where it has been read ahead. */
  readonly heard?: Uint8Array
  /** All headers, by lower-case name; only of a route that is not MCP, which says which of them go on. */
  readonly headers?: NodeJS.Dict<string | string[]>
  readonly body:
    | { readonly kind: 'whole'; readonly bytes: Uint8Array }
    | { readonly kind: 'stream'; readonly source: Source }
}

/** The media type without parameters, lower case; empty when absent. */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return ''
  const semicolon = contentType.indexOf(';')
  return (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
}
