/**
 * The raw front (`listen.front: raw`, the default): connections on which whole, plain calls are read and
 * answered without node:http. The first bytes of anything else hand the connection over to node:http, which
 * reads them as if it had accepted it, and keeps it.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { createLateWrites, type WriteLate } from '../egress/late-writes.ts'
import type { ExchangeRequest, ExchangeResponse } from './exchange.ts'
import { RawExchangeRequest, RawExchangeResponse } from './raw-exchange.ts'
import { readRawRequest } from './raw-request.ts'

export type RawFrontOptions = {
  /** Takes over a connection whose bytes are in it, unread. */
  readonly handOver: (socket: Socket) => void
  /** Whether calls to this target are served here. */
  readonly serves: (target: string) => boolean
  readonly serve: (request: ExchangeRequest, response: ExchangeResponse) => void
  /** An idle connection is kept this long, in milliseconds. */
  readonly keepAliveMs: number
  /** Epoch milliseconds. */
  readonly now: () => number
}

export type RawFront = {
  readonly server: Server
  /** Lets go of connections that nobody uses. */
  closeIdle(): void
}

/** Node.js keeps a connection a little longer than it says, so that a call that is on its way is served. */
const KEEP_ALIVE_SLACK_MS = 1_000

/** Does not listen yet: the caller has `server` do that. */
export function createRawFront(options: RawFrontOptions): RawFront {
  const connections = new Set<RawConnection>()
  const date = createDate(options.now)
  const writeLate = createLateWrites()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection: RawConnection = new RawConnection(socket, {
      ...options,
      date,
      writeLate,
      onLeave: () => connections.delete(connection),
    })
    connections.add(connection)
  })
  return {
    server,
    closeIdle: () => {
      for (const connection of connections) connection.closeIfIdle()
    },
  }
}

type ConnectionOptions = RawFrontOptions & {
  readonly date: () => string
  readonly writeLate: WriteLate
  /** It is closed, or somebody else's. */
  readonly onLeave: () => void
}

class RawConnection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  /** The response under way. */
  #response: RawExchangeResponse | undefined
  /** Came while it was: the next request, or the first part of it. */
  #early: Buffer | undefined

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    socket.setTimeout(options.keepAliveMs + KEEP_ALIVE_SLACK_MS)
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('timeout', this.#onTimeout)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onEnd)
    socket.on('close', this.#onClose)
  }

  closeIfIdle(): void {
    if (this.#response === undefined) this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#response === undefined) this.#take(bytes)
    else {
      // It may not be answered before its turn; meanwhile no more is read.
      this.#early = bytes
      this.#socket.pause()
    }
  }

  #take(bytes: Buffer): void {
    const { serves, serve, date, keepAliveMs, writeLate } = this.#options
    const read = readRawRequest(bytes)
    if (read === undefined || !serves(read.target)) {
      this.#handOver(bytes)
      return
    }
    const socket = this.#socket
    const response = new RawExchangeResponse({
      socket,
      date,
      keepAliveSeconds: keepAliveMs / 1_000,
      writeLate,
      onFinished: this.#onFinished,
    })
    this.#response = response
    serve(new RawExchangeRequest(read, socket), response)
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('drain', this.#onDrain)
    socket.off('timeout', this.#onTimeout)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onEnd)
    socket.off('close', this.#onClose)
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(bytes)
    this.#options.onLeave()
    this.#options.handOver(socket)
    socket.resume()
  }

  readonly #onFinished = (): void => {
    const isKept = this.#response?.shouldKeepAlive === true
    this.#response = undefined
    const early = this.#early
    this.#early = undefined
    if (!isKept) {
      // What comes after the last answer is read, so that the socket closes, and not answered.
      this.#socket.off('data', this.#onData)
      this.#socket.resume()
      this.#socket.destroySoon()
      return
    }
    if (early === undefined) return
    this.#take(early)
    this.#socket.resume()
  }

  readonly #onDrain = (): void => this.#response?.drained()

  readonly #onTimeout = (): void => this.closeIfIdle()

  /** A client that has ended its side has left, as node:http takes it. */
  readonly #onEnd = (): void => void this.#socket.destroy()

  readonly #onClose = (): void => {
    this.#options.onLeave()
    this.#response?.broken()
  }
}

/** The date of now, made once a second. */
function createDate(now: () => number): () => string {
  let second = 0
  let text = ''
  return () => {
    const current = Math.floor(now() / 1_000)
    if (current !== second) {
      second = current
      text = new Date(current * 1_000).toUTCString()
    }
    return text
  }
}
