/**
 * One connection to a server without TLS, on which one call after the other is asked and answered. Answers
 * in the usual form are read here; an odd one is read by node:http, and is the last on its connection.
 */
import { connect, type Socket } from 'node:net'
import { readAnswerHead, type AnswerHead } from './answer-head.ts'
import { ChunkedReader } from './chunked-reader.ts'
import { readOdd, type OddAnswer } from './odd-answer.ts'
import { failure, type Controller, type Handler } from './dispatch.ts'
import type { LateWriter, WriteLate } from './late-writes.ts'

/** Bodies up to this many bytes are written together with their head. */
const MAX_STRING_BODY_BYTES = 16_384

/** Some servers and most middle boxes forget connections that stay silent for longer, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 60_000

const HTTP_PORT = 80

/** Where all connections read, one at a time. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)

export type PlainConnectionOptions = {
  readonly origin: URL
  readonly connectTimeoutMs: number
  readonly writeLate: WriteLate
  readonly onConnected: (connection: PlainConnection) => void
  /** Its answer has ended, and it can be asked again: for so many milliseconds, where the server says it. */
  readonly onFree: (connection: PlainConnection, keptMs: number | undefined) => void
  /** It is over; told once. */
  readonly onClosed: (connection: PlainConnection, error: Error | undefined) => void
}

/** One request as it is sent. */
export type Ask = {
  readonly method: string
  /** Up to and with its blank line. */
  readonly head: string
  readonly body: Uint8Array | null
  readonly handler: Handler
}

/** One call on a connection, and what its owner holds of it: of no effect once it is over. */
class Turn implements Controller {
  readonly method: string
  readonly handler: Handler
  readonly #socket: Socket
  isSent = false
  isOver = false

  constructor({ method, handler }: Ask, socket: Socket) {
    this.method = method
    this.handler = handler
    this.#socket = socket
  }

  pause(): void {
    if (!this.isOver) this.#socket.pause()
  }

  resume(): void {
    if (!this.isOver) this.#socket.resume()
  }

  /** Where its answer ends is not waited for, so that the connection ends with it. */
  abort(reason: Error): void {
    if (this.isOver) return
    if (this.isSent) this.#socket.destroy(reason)
    else this.isOver = true
  }
}

export class PlainConnection implements LateWriter {
  /** Until when it may be asked again while it is free, in monotonic milliseconds; the pool's. */
  freeUntilTick = 0
  wasConnected = false
  readonly #options: PlainConnectionOptions
  readonly #socket: Socket
  #error: Error | undefined
  #isClosed = false
  #turn: Turn | undefined
  /** What is asked at the end of this turn of the event loop. */
  #unsent: string | undefined
  #head: AnswerHead | undefined
  /** Bytes of a sized body that are still to come. */
  #left = 0
  #chunks: ChunkedReader | undefined
  #odd: OddAnswer | undefined

  /** Starts to connect. */
  constructor(options: PlainConnectionOptions) {
    const { origin, connectTimeoutMs } = options
    this.#options = options
    const socket = connect({
      host: origin.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(origin.port || HTTP_PORT),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      onread: { buffer: READ_BUFFER, callback: this.#onRead },
    })
    this.#socket = socket
    socket.setTimeout(connectTimeoutMs)
    socket.on('connect', this.#onConnect)
    socket.on('timeout', this.#onTimeout)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  /** Asks; the connection must be free. Returns false when whoever asks has thought better of it. */
  ask(ask: Ask): boolean {
    const { head, body, handler } = ask
    const socket = this.#socket
    const turn = new Turn(ask, socket)
    handler.onRequestStart(turn)
    if (turn.isOver) return false
    turn.isSent = true
    this.#turn = turn
    if (body === null || body.length <= MAX_STRING_BODY_BYTES) {
      // Head and body as one string are one write.
      this.#unsent = body === null ? head : head + latin1(body)
      void this.#options.writeLate(this)
      return true
    }
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(body)
    socket.uncork()
    return true
  }

  /** Called by `writeLate`. */
  writeNow(): void {
    const text = this.#unsent
    this.#unsent = undefined
    if (text !== undefined && !this.#socket.destroyed) this.#socket.write(text, 'latin1')
  }

  /** Whether it may be asked, as far as is known: the server can close it at any time. */
  get isOpen(): boolean {
    return this.#socket.writable
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error)
  }

  readonly #onConnect = (): void => {
    this.#socket.setTimeout(0)
    this.wasConnected = true
    this.#options.onConnected(this)
  }

  readonly #onTimeout = (): void => {
    this.#socket.destroy(failure('CONNECT_TIMEOUT', 'the server did not accept the connection'))
  }

  readonly #onError = (error: Error): void => {
    this.#error = error
  }

  readonly #onEnd = (): void => {
    if (this.#odd === undefined) this.#socket.destroy()
    else this.#odd.end()
  }

  readonly #onClose = (): void => {
    this.#isClosed = true
    const turn = this.#turn
    if (turn !== undefined && this.#odd !== undefined) {
      // It tells the end, or that it broke off.
      if (this.#error === undefined) this.#odd.end()
      else this.#odd.fail(this.#error)
      return
    }
    if (turn !== undefined) {
      this.#turn = undefined
      turn.isOver = true
      const error = this.#error ?? failure('SERVER_CLOSED', 'the server closed the connection')
      turn.handler.onResponseError(turn, error)
    }
    this.#options.onClosed(this, this.#error)
  }

  /** Copied, since the next connection reads into the same place; what is small costs less so than a stream. */
  readonly #onRead = (length: number, read: Uint8Array): boolean => {
    try {
      this.#take(Buffer.from(read.subarray(0, length)))
    } catch (error) {
      // What follows cannot be told from the answer to the next call.
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    return true
  }

  #take(bytes: Buffer): void {
    const turn = this.#turn
    if (turn === undefined || this.#unsent !== undefined) {
      // Nothing was asked: whatever this is, it would be taken for the answer to the next call.
      this.#socket.destroy()
    } else if (this.#odd !== undefined) {
      this.#odd.push(bytes)
    } else if (this.#head === undefined) {
      this.#readHead(bytes, turn)
    } else {
      this.#readBody(bytes, turn)
    }
  }

  #readHead(bytes: Buffer, turn: Turn): void {
    const head = readAnswerHead(bytes)
    if (head === undefined) {
      const { method, handler } = turn
      this.#odd = readOdd({ method, handler, controller: turn, onOver: this.#onOddOver })
      this.#odd.push(bytes)
      return
    }
    this.#head = head
    this.#left = head.length ?? 0
    if (head.length === undefined) this.#chunks = new ChunkedReader()
    turn.handler.onResponseStart(turn, head.status, head.headers)
    this.#readBody(bytes.subarray(head.bodyStart), turn)
  }

  #readBody(bytes: Buffer, turn: Turn): void {
    if (this.#socket.destroyed) return
    const end = this.#chunks?.read(bytes, this.#onPiece) ?? this.#takeSized(bytes, turn)
    if (end === -1 || this.#socket.destroyed) return
    const head = this.#head
    this.#turn = undefined
    this.#head = undefined
    this.#chunks = undefined
    turn.isOver = true
    // Whoever paused it no longer can.
    this.#socket.resume()
    turn.handler.onResponseEnd(turn)
    // More than was asked for would be taken for the answer to the next call, and a server that has answered
    // before it had read all may take the rest of the body for it.
    const isWhole = end === bytes.length && this.#socket.writableLength === 0
    if (head?.isKept === true && isWhole) this.#options.onFree(this, head.keptMs)
    else this.#socket.destroy()
  }

  /** Returns where the body ends in these bytes, -1 when further on. */
  #takeSized(bytes: Buffer, turn: Turn): number {
    const end = Math.min(this.#left, bytes.length)
    this.#left -= end
    if (end > 0)
      turn.handler.onResponseData(turn, end === bytes.length ? bytes : bytes.subarray(0, end))
    return this.#left === 0 ? end : -1
  }

  readonly #onPiece = (piece: Buffer): void => {
    const turn = this.#turn
    if (turn !== undefined && !this.#socket.destroyed) turn.handler.onResponseData(turn, piece)
  }

  readonly #onOddOver = (): void => {
    if (this.#turn !== undefined) this.#turn.isOver = true
    this.#turn = undefined
    if (this.#isClosed) this.#options.onClosed(this, this.#error)
    else this.#socket.destroy()
  }
}

function latin1(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
}
