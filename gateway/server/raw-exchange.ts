/**
 * A request that the raw front has read whole, and the response to it, as a visit uses them. The response is
 * written as node:http writes it: same fields, same framing.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { LateWriter, WriteLate } from '../egress/late-writes.ts'
import { NOT_IN_A_FIELD } from '../model/http-fields.ts'
import type { ExchangeRequest, ExchangeResponse } from './exchange.ts'
import type { HttpVisit } from './http-visit.ts'
import type { RawRequest } from './raw-request.ts'

const CONTENT_LENGTH = 'content-length'

/** All of it has arrived: whoever listens for the body gets it at once. */
export class RawExchangeRequest implements ExchangeRequest {
  visit: HttpVisit | undefined
  discardedBytes = 0
  readonly method = 'POST'
  readonly httpVersion = '1.1'
  readonly complete = true
  readonly socket: Socket
  /** Only those that are read before the visit is admitted. */
  readonly headers: ExchangeRequest['headers']
  readonly #read: RawRequest

  constructor(read: RawRequest, socket: Socket) {
    const { contentLength, forwardedFor } = read
    this.headers = { 'content-length': contentLength, 'x-forwarded-for': forwardedFor }
    this.#read = read
    this.socket = socket
  }

  get url(): string {
    return this.#read.target
  }

  get rawHeaders(): readonly string[] {
    return this.#read.rawHeaders
  }

  /** The body is here: whoever waits for its end has it now. */
  on(event: 'data' | 'end'): void {
    if (event !== 'end') return
    this.visit?.onData(this.#read.body)
    this.visit?.onEnd()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

export type RawExchangeResponseOptions = {
  readonly socket: Socket
  /** `Date` of now, in the form of RFC 9110 §5.6.7. */
  readonly date: () => string
  /** Seconds for which an idle connection is kept, as clients are told. */
  readonly keepAliveSeconds: number
  readonly writeLate: WriteLate
  /** Told once when all of it is out and the visit has been told. */
  readonly onFinished: () => void
}

/** Writes to the socket it is made with; its connection tells it when that has drained or is gone. */
export class RawExchangeResponse implements ExchangeResponse, LateWriter {
  visit: HttpVisit | undefined
  shouldKeepAlive = true
  headersSent = false
  writableEnded = false
  writableFinished = false
  written: Promise<void> | undefined
  readonly #options: RawExchangeResponseOptions
  /** Written with the first bytes of the body. */
  #head: string | undefined
  /** Written at the end of this turn of the event loop. */
  #unsent: string | undefined
  #isChunked = false
  #isClosed = false
  #isGathering = false

  constructor(options: RawExchangeResponseOptions) {
    this.#options = options
  }

  get socket(): Socket {
    return this.#options.socket
  }

  get writableLength(): number {
    return this.writableFinished ? 0 : this.socket.writableLength + (this.#unsent?.length ?? 0)
  }

  /** Whoever asked to be told is told; the visit is the only one, and it always asks. */
  on(): void {}

  /** Nobody waits for it: such requests are not read here. */
  writeContinue(): void {}

  writeHead(status: number, headers: readonly string[]): void {
    let isSized = status === 204 || status === 304
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const [name = '', value = ''] = [headers[at], headers[at + 1]]
      if (NOT_IN_A_FIELD.test(value)) throw new TypeError(`${name} cannot be sent`)
      isSized ||= name.length === CONTENT_LENGTH.length && name.toLowerCase() === CONTENT_LENGTH
      head += `${name}: ${value}\r\n`
    }
    this.#isChunked = !isSized
    this.#head = head
    this.headersSent = true
  }

  flushHeaders(): void {
    if (this.#head === undefined) return
    this.#gather()
    this.socket.write(this.#takeHead(), 'latin1')
  }

  write(chunk: string | Uint8Array, onWritten?: () => void): boolean {
    this.flushHeaders()
    if (!this.#isChunked) return this.socket.write(chunk, onWritten)
    const length = Buffer.byteLength(chunk)
    // A chunk of nothing would be the end.
    if (length === 0) return true
    this.#gather()
    this.socket.write(`${length.toString(16)}\r\n`, 'latin1')
    this.socket.write(chunk)
    return this.socket.write('\r\n', 'latin1', onWritten)
  }

  end(chunk?: string | Uint8Array, encoding?: 'latin1'): void {
    if (this.writableEnded) return
    const { socket } = this
    if (this.#isChunked) {
      if (chunk !== undefined) this.write(chunk)
      else this.flushHeaders()
      this.writableEnded = true
      socket.write('0\r\n\r\n', 'latin1', this.#onWritten)
      return
    }
    this.writableEnded = true
    const head = this.#head === undefined ? '' : this.#takeHead()
    if (chunk === undefined || (typeof chunk === 'string' && encoding === 'latin1')) {
      // Head and body as one string are one write.
      this.#unsent = head + (chunk ?? '')
      this.written = this.#options.writeLate(this)
      return
    }
    socket.cork()
    if (head !== '') socket.write(head, 'latin1')
    socket.write(chunk, this.#onWritten)
    socket.uncork()
  }

  /** Called by `writeLate`. */
  writeNow(): void {
    const text = this.#unsent
    this.#unsent = undefined
    if (text !== undefined) this.socket.write(text, 'latin1', this.#onWritten)
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Called by the connection: everything written so far is out. */
  drained(): void {
    this.visit?.onDrain()
  }

  /** Called by the connection: there is nobody to write to. */
  broken(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.visit?.onClose()
  }

  /**
   * Has what is written until the end of this task go out in one: it may be very much in very small pieces, and
   * each write by itself takes longer than all else that is done with it.
   */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.socket.cork()
    process.nextTick(RawExchangeResponse.#letGo, this)
  }

  static #letGo(response: RawExchangeResponse): void {
    response.#isGathering = false
    response.socket.uncork()
  }

  readonly #onWritten = (error?: Error | null): void => {
    // Of what was not written it is told as well, with and without an error: then the socket closes, or has.
    if (this.#isClosed || error || this.socket.destroyed) return
    this.writableFinished = true
    this.#isClosed = true
    this.visit?.onClose()
    this.#options.onFinished()
  }

  #takeHead(): string {
    const { date, keepAliveSeconds } = this.#options
    const kept = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n`
    const connection = this.shouldKeepAlive ? kept : 'Connection: close\r\n'
    const framing = this.#isChunked ? 'Transfer-Encoding: chunked\r\n' : ''
    const head = `${this.#head ?? ''}Date: ${date()}\r\n${connection}${framing}\r\n`
    this.#head = undefined
    return head
  }
}
