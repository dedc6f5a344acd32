/**
 * One request to a server and its answer, as an undici dispatch handler. Small answers are collected
 * and handed over whole (one write to the client); larger and streamed ones flow with back-pressure.
 * The object is its own handler, source and abort handle: no closure per request is left on a socket,
 * which would keep the request alive past a garbage collection and ruin the tail latency.
 */
import type { Controller, Handler } from '../egress/dispatch.ts'
import { Pieces } from '../model/pieces.ts'
import { Refusal } from '../model/refusal.ts'
import type { Answer, Sink, Source } from './answer.ts'
import { mediaType } from './answer.ts'
import type { Collect } from './collect.ts'

/** The largest JSON answer passed on (R-RESP-7). */
export const MAX_ANSWER_BYTES = 16 * 1_048_576

export type ExchangeOptions = {
  /** Name of the server it is with. */
  readonly server: string
  /** How much may be held back: a filtered list is needed whole, anything else is only coalesced. */
  readonly collect: Collect
  /** What to do when the client leaves: give up, or let the server finish unheard (legacy eras). */
  readonly whenGone: 'abort' | 'drain'
  readonly limits: ExchangeLimits
  /** Monotonic milliseconds. */
  readonly tick: () => number
  /** Size of the request body, which is held until the request is sent. */
  readonly bodyBytes: number
}

/** In milliseconds; whoever owns the exchange looks at `deadlineTick` from time to time. */
export type ExchangeLimits = {
  /** From the end of the request to the first answer header. */
  readonly headersMs: number
  /** Silence of the server in the middle of its answer, while it is being listened to. */
  readonly idleMs: number
  /** The whole of an answer that is not a stream, waiting for a connection included. */
  readonly totalMs: number
}

type State = 'waiting' | 'collecting' | 'streaming' | 'draining' | 'done'

export class Exchange implements Handler, Source {
  readonly answer: Promise<Answer>
  /** Called once when the exchange is over, with its own reference. */
  onDone: ((exchange: Exchange) => void) | undefined
  /**
   * Called once when the request no longer waits for a connection, with its own reference. An exchange
   * that is over may wait on: what waits cannot be taken out of its place.
   */
  onDequeued: ((exchange: Exchange) => void) | undefined
  /** Its place among those that run; see `roster.ts`. */
  place = -1
  /** Whether the answer is an event stream that flows, mostly without a total deadline. */
  streamed = false

  readonly #options: ExchangeOptions
  #state: State = 'waiting'
  #controller: Controller | undefined
  #aborted: unknown
  /** When it all must be over; time-outs here cost nothing per request, as timers would. */
  readonly #totalTick: number
  /** When the request was sent, then when the server was last heard; undefined while it waits. */
  #heardTick: number | undefined
  #paused = false
  #status = 0
  #headers: NodeJS.Dict<string | string[]> = {}
  readonly #pieces = new Pieces()
  #bytes = 0
  #ended = false
  #sink: Sink | undefined
  #resolve: ((answer: Answer) => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#totalTick = options.tick() + options.limits.totalMs
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get server(): string {
    return this.#options.server
  }

  get bodyBytes(): number {
    return this.#options.bodyBytes
  }

  /** Monotonic milliseconds from which it has taken too long. */
  get deadlineTick(): number {
    const { collect, limits } = this.#options
    const endless = this.streamed && collect.events === 'flow' && this.#state !== 'draining'
    const total = endless ? Infinity : this.#totalTick
    // A server that is told to wait is not silent.
    if (this.#heardTick === undefined || this.#paused) return total
    const silentMs = this.#state === 'waiting' ? limits.headersMs : limits.idleMs
    return Math.min(total, this.#heardTick + silentMs)
  }

  get draining(): boolean {
    return this.#state === 'draining'
  }

  /** The client hung up. Its connection to the server is released either way, now or when it ends. */
  clientGone(): void {
    if (this.#state === 'done') return
    const unsent = this.#controller === undefined
    if (unsent || this.#options.whenGone === 'abort') {
      this.abort(new Refusal('upstream_unavailable', { detail: 'client gone' }))
      return
    }
    this.#reject?.(new Refusal('upstream_unavailable', { detail: 'client gone' }))
    this.#settle()
    this.#state = 'draining'
    this.#pieces.clear()
    this.#sink = undefined
    this.resume()
  }

  abort(reason: unknown): void {
    if (this.#state === 'done') return
    this.#aborted = reason
    this.#controller?.abort(asError(reason))
    this.#over(reason)
  }

  pause(): void {
    this.#paused = true
    this.#controller?.pause()
  }

  resume(): void {
    if (this.#paused) this.#heardTick = this.#options.tick()
    this.#paused = false
    this.#controller?.resume()
  }

  pipe(sink: Sink): void {
    if (this.#aborted !== undefined) {
      sink.fail(this.#aborted)
      return
    }
    this.#sink = sink
    let ready = true
    for (const piece of this.#pieces.take()) ready = sink.write(piece)
    if (this.#ended) {
      sink.end()
      this.#over(undefined)
    } else if (ready) {
      this.resume()
    }
  }

  onRequestStart(controller: Controller): void {
    this.dequeued()
    this.#controller = controller
    this.#heardTick = this.#options.tick()
    if (this.#aborted !== undefined) controller.abort(asError(this.#aborted))
  }

  onResponseStart(
    _controller: Controller,
    status: number,
    headers: NodeJS.Dict<string | string[]>,
  ): void {
    if (status < 200 || this.#state !== 'waiting') return
    this.#heardTick = this.#options.tick()
    this.#status = status
    this.#headers = headers
    const events = mediaType(one(headers['content-type'])) === 'text/event-stream'
    this.streamed = events && this.#options.collect.events !== 'collect'
    if (this.streamed) {
      this.pause()
      this.#state = 'streaming'
      this.#hand({ kind: 'stream', source: this })
    } else {
      this.#state = 'collecting'
    }
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    this.#heardTick = this.#options.tick()
    if (this.#state === 'draining') return this.#drain(controller, chunk)
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES && !this.streamed) {
      return this.abort(new Refusal('upstream_unavailable', { detail: 'answer above 16 MiB' }))
    }
    if (this.#sink !== undefined) {
      if (!this.#sink.write(chunk)) this.pause()
      return
    }
    this.#pieces.add(chunk)
    if (this.#state === 'collecting' && this.#bytes > this.#options.collect.maxBytes) {
      this.#overflow()
    }
  }

  onResponseEnd(): void {
    this.#ended = true
    if (this.#state === 'collecting') {
      this.#hand({ kind: 'whole', bytes: this.#pieces.takeWhole() })
      this.#over(undefined)
    } else if (this.#sink !== undefined) {
      this.#sink.end()
      this.#over(undefined)
    } else if (this.#state === 'draining') {
      this.#over(undefined)
    }
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.dequeued()
    if (this.#state === 'done') return
    this.#over(translate(error))
  }

  /** The request no longer waits: it is sent, or will never be. */
  dequeued(): void {
    const dequeued = this.onDequeued
    this.onDequeued = undefined
    dequeued?.(this)
  }

  #overflow(): void {
    if (this.#options.collect.above === 'refuse') {
      const detail = `answer above ${this.#options.collect.maxBytes} bytes`
      return this.abort(new Refusal('upstream_unavailable', { detail }))
    }
    this.pause()
    this.#state = 'streaming'
    this.#hand({ kind: 'stream', source: this })
  }

  #drain(controller: Controller, chunk: Uint8Array): void {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES) controller.abort(new Error('drained enough'))
  }

  #hand(body: Answer['body']): void {
    const headers = this.#headers
    this.#resolve?.({
      status: this.#status,
      contentType: one(headers['content-type']),
      contentEncoding: one(headers['content-encoding']),
      sessionId: one(headers['mcp-session-id']),
      retryAfter: one(headers['retry-after']),
      allow: one(headers['allow']),
      challenge: this.#status === 403 ? one(headers['www-authenticate']) : undefined,
      body,
    })
    this.#settle()
  }

  #settle(): void {
    this.#resolve = undefined
    this.#reject = undefined
  }

  #over(error: unknown): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    if (error !== undefined) {
      this.#aborted = error
      this.#reject?.(error)
      this.#sink?.fail(error)
    }
    this.#settle()
    this.#sink = undefined
    this.#controller = undefined
    this.#pieces.clear()
    const done = this.onDone
    this.onDone = undefined
    done?.(this)
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted')
}

/** What undici says in our words; its code goes to operators only. */
function translate(error: Error): Refusal {
  if (error instanceof Refusal) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return new Refusal('upstream_unavailable', { detail: code, cause: error })
}
