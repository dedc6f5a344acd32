/**
 * The list of an HTTP+SSE server, asked for in a session of the gateway's own: the answer in a caller's
 * session would arrive on the caller's stream, which another process may hold.
 */
import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import { scan } from '../mcp/scan.ts'
import type { SseItem } from '../mcp/sse.ts'
import { createSseFramer } from '../mcp/sse.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Answer, Sink, Source } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'
import { MAX_LIST_BYTES, OWN_STREAM, UNREAD } from '../upstream/collect.ts'
import type { UpstreamRequest } from '../upstream/conversations.ts'
import { emptyHead } from './admit.ts'
import { readEndpoint } from './endpoint.ts'
import { credentialHeaders } from './swap.ts'
import { upHeaders } from './up-headers.ts'

/** The revision that has this transport. What a client can do is claimed in full, so that all is listed. */
const HELLO = {
  protocolVersion: '2024-11-05',
  capabilities: { roots: {}, sampling: {}, elicitation: {} },
  clientInfo: { name: 'gatehouse', version: '1' },
}

export type Listing = {
  readonly method: 'tools/list' | 'prompts/list'
  readonly maxPages: number
  /** For all of it together. */
  readonly timeoutMs: number
  /** Reads a page; returns the cursor of the next one. */
  readonly learn: (response: Uint8Array, id: string) => string | undefined
}

/** What of `Conversations` is needed. */
export type Asking = {
  send(server: McpServer, request: UpstreamRequest): { readonly answer: Promise<Answer> }
}

/**
 * Opens a session, reads the list and ends the session.
 *
 * @throws {Refusal} `upstream_unavailable`, `upstream_timeout`.
 */
export async function listOnStream(
  server: McpServer,
  conversations: Asking,
  { method, maxPages, timeoutMs, learn }: Listing,
): Promise<void> {
  const session = new Session(server, conversations, timeoutMs)
  try {
    await session.open()
    await session.ask('"hello"', 'initialize', HELLO)
    await session.post('{"jsonrpc":"2.0","method":"notifications/initialized"}')
    let cursor: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const id = `"page-${page}"`
      const response = await session.ask(id, method, cursor === undefined ? {} : { cursor })
      cursor = learn(response, id)
      if (cursor === undefined) return
    }
  } finally {
    session.close()
  }
}

/** A session with an HTTP+SSE server that asks one thing at a time. */
class Session implements Sink {
  readonly #server: McpServer
  readonly #conversations: Asking
  readonly #timeoutMs: number
  readonly #framer = createSseFramer({ maxEventBytes: MAX_LIST_BYTES })
  #source: Source | undefined
  #endpoint: string | undefined
  /** What is waited for: the endpoint, or the response with this id. */
  #awaited: { readonly what: string; readonly settle: PromiseWithResolvers<Uint8Array> } | undefined
  /** Why nothing more will come. */
  #broken: unknown

  constructor(server: McpServer, conversations: Asking, timeoutMs: number) {
    this.#server = server
    this.#conversations = conversations
    this.#timeoutMs = timeoutMs
  }

  /** Resolves once the server has said where to POST. */
  async open(): Promise<void> {
    const { status, contentType, body } = await this.#send('GET', undefined)
    if (body.kind === 'stream') this.#source = body.source
    if (status !== 200 || mediaType(contentType) !== 'text/event-stream' || body.kind !== 'stream')
      throw unavailable(`status ${status}, or no event stream`)
    const endpoint = this.#await('endpoint')
    body.source.pipe(this)
    const read = readEndpoint(Buffer.from(await endpoint).toString(), this.#server.upstream)
    if (!read.ok) throw unavailable(`its endpoint ${read.problem}`)
    this.#endpoint = read.path
  }

  /** The response to a request. */
  async ask(id: string, method: string, params: object): Promise<Uint8Array> {
    const response = this.#await(id)
    // It may come before the POST is answered, or not at all; either way nobody else looks at it.
    response.catch(() => undefined)
    await this.post(
      `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`,
    )
    return await response
  }

  /** Resolves when the server has taken the message. */
  async post(message: string): Promise<void> {
    const { status } = await this.#send('POST', Buffer.from(message))
    if (status < 200 || status >= 300) throw unavailable(`status ${status}`)
  }

  close(): void {
    this.#source?.abort(new Refusal('upstream_unavailable', { detail: 'looked up' }))
  }

  write(chunk: Uint8Array): boolean {
    for (const item of this.#framer.push(chunk)) this.#read(item)
    return true
  }

  end(): void {
    this.fail(unavailable('it ended the stream'))
  }

  fail(error: unknown): void {
    this.#broken = error
    this.#awaited?.settle.reject(error)
  }

  #read(item: SseItem): void {
    if (item.kind === 'overflow') return this.fail(unavailable('event too large'))
    if (item.kind === 'comment' || item.data === undefined || this.#awaited === undefined) return
    const { what, settle } = this.#awaited
    const bytes = Buffer.from(item.data)
    if (item.event === 'endpoint') {
      if (what === 'endpoint') settle.resolve(bytes)
      return
    }
    const scanned = scan(bytes, ANSWER_BOUNDS)
    const messages = scanned.ok ? scanned.messages : []
    const own = messages.find(({ kind, id }) => kind === 'response' && id?.text === what)
    if (own !== undefined) settle.resolve(bytes.subarray(own.span.start, own.span.end))
  }

  #await(what: string): Promise<Uint8Array> {
    const settle = Promise.withResolvers<Uint8Array>()
    this.#awaited = { what, settle }
    if (this.#broken !== undefined) settle.reject(this.#broken)
    return settle.promise
  }

  #send(method: 'GET' | 'POST', body: Uint8Array | undefined): Promise<Answer> {
    return this.#conversations.send(this.#server, {
      method,
      ...(this.#endpoint !== undefined && { path: this.#endpoint }),
      headers: upHeaders({
        method,
        call: { era: 'legacy', kind: method === 'GET' ? 'open_stream' : 'request', method: '' },
        head: emptyHead(),
        traceparent: undefined,
        tracestate: undefined,
        credential: credentialHeaders(this.#server),
      }),
      body,
      collect: method === 'GET' ? OWN_STREAM : UNREAD,
      whenGone: 'abort',
      timeoutMs: this.#timeoutMs,
    }).answer
  }
}

function unavailable(detail: string): Refusal {
  return new Refusal('upstream_unavailable', { detail: `look-up: ${detail}` })
}
