/** One request to a part of a server that is not MCP, and its answer, which flows. */
import type { IncomingMessage } from 'node:http'

import { messageOf } from '../model/message-of.ts'
import { Refusal } from '../model/refusal.ts'
import type { Answer, Sink, Source } from './answer.ts'
import type { Departing } from './conversations.ts'

/** In milliseconds; whoever owns the exchange looks at `deadlineTick` from time to time. */
export type SideLimits = {
  /** From the beginning to the head of the answer, connecting included. */
  readonly headersMs: number
  /** Silence of the server in the middle of its answer, while it is being listened to. */
  readonly idleMs: number
}

export type SideExchangeOptions = {
  readonly server: string
  readonly limits: SideLimits
  /** Monotonic milliseconds. */
  readonly tick: () => number
  /** Called once when it is over. */
  readonly onDone: (exchange: SideExchange) => void
}

export class SideExchange implements Source, Departing {
  readonly answer: Promise<Answer>
  readonly draining = false
  /** Gives the request up at the server; set once it is on its way. */
  cancel: (() => void) | undefined
  readonly #options: SideExchangeOptions
  readonly #head = Promise.withResolvers<Answer>()
  #response: IncomingMessage | undefined
  #sink: Sink | undefined
  #failure: unknown
  #isOver = false
  #isPaused = false
  #heardTick: number

  constructor(options: SideExchangeOptions) {
    this.#options = options
    this.answer = this.#head.promise
    this.#heardTick = options.tick()
  }

  get server(): string {
    return this.#options.server
  }

  /** Monotonic milliseconds from which it has taken too long. */
  get deadlineTick(): number {
    const { headersMs, idleMs } = this.#options.limits
    // A server that is told to wait is not silent, and neither is one whose answer nobody reads yet.
    if (this.#isPaused) return Infinity
    return this.#heardTick + (this.#response === undefined ? headersMs : idleMs)
  }

  /** The head of the answer has come. */
  begin(response: IncomingMessage): void {
    response.on('error', (error) => this.abort(unavailable(error)))
    // A server that closes early says nothing else: without this it would look like an end.
    response.on('close', () => this.abort(unavailable('the answer broke off')))
    if (this.#isOver) {
      response.destroy()
      return
    }
    response.pause()
    this.#response = response
    this.#heardTick = this.#options.tick()
    const { statusCode = 0, headers } = response
    this.#head.resolve({
      status: statusCode,
      contentType: headers['content-type'],
      contentEncoding: headers['content-encoding'],
      sessionId: undefined,
      retryAfter: headers['retry-after'],
      allow: undefined,
      headers,
      body: { kind: 'stream', source: this },
    })
  }

  pipe(sink: Sink): void {
    const response = this.#response
    if (this.#failure !== undefined || response === undefined) {
      sink.fail(this.#failure)
      return
    }
    this.#sink = sink
    response.on('data', (chunk: Uint8Array) => {
      this.#heardTick = this.#options.tick()
      if (!sink.write(chunk)) this.pause()
    })
    response.on('end', () => {
      if (this.#isOver) return
      this.#end()
      sink.end()
    })
    response.resume()
  }

  pause(): void {
    this.#isPaused = true
    this.#response?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#heardTick = this.#options.tick()
    this.#response?.resume()
  }

  clientGone(): void {
    this.abort(new Refusal('upstream_unavailable', { detail: 'client gone' }))
  }

  /** Does nothing once it is over. */
  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#failure = reason
    this.#end()
    this.#response?.destroy()
    this.cancel?.()
    this.#head.reject(reason)
    this.#sink?.fail(reason)
  }

  #end(): void {
    this.#isOver = true
    this.#options.onDone(this)
  }
}

function unavailable(error: unknown): Refusal {
  const detail = messageOf(error)
  return new Refusal('upstream_unavailable', { detail, cause: error })
}
