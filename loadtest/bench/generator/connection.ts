/**
 * One raw keep-alive connection of the load generator: writes prepared requests, reads into one
 * buffer for ever, and opens itself again for the next request when the other side has closed it.
 */
import net from 'node:net'
import { AnswerReader } from './answer-reader.ts'

/** Room for one read; answers here are small. */
const READ_BUFFER_BYTES = 65_536

/** Where connections go. */
export type Endpoint = { readonly host: string; readonly port: number }

/** What a load loop wants to hear. The connection is free again when either is called. */
export type ConnectionEvents = {
  onAnswer(connection: Connection): void
  /** A request was lost: the connection broke, or the answer could not be read. */
  onLost(connection: Connection): void
}

/** A connection with at most one request under way. */
export class Connection {
  readonly reader = new AnswerReader()
  /** When the request under way was meant to be sent, `performance.now()` milliseconds. */
  intendedAtMs = 0

  readonly #endpoint: Endpoint
  readonly #events: ConnectionEvents
  readonly #buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
  #socket: net.Socket | undefined
  #busy = false

  constructor(endpoint: Endpoint, events: ConnectionEvents) {
    this.#endpoint = endpoint
    this.#events = events
  }

  /** Opens the connection ahead of the first request; rejects when nobody listens. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#connect()
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
  }

  send(request: Buffer): void {
    this.#busy = true
    const socket = this.#socket ?? this.#connect()
    socket.write(request)
  }

  close(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
  }

  #connect(): net.Socket {
    const { host, port } = this.#endpoint
    const socket = net.connect({
      host,
      port,
      noDelay: true,
      onread: { buffer: this.#buffer, callback: (length) => this.#read(length) },
    })
    socket.on('error', ignore)
    socket.on('close', () => this.#ended(socket))
    this.#socket = socket
    return socket
  }

  #read(length: number): boolean {
    let complete = false
    try {
      complete = this.reader.push(this.#buffer, length)
    } catch {
      this.#socket?.destroy()
    }
    if (complete && this.#busy) {
      this.#busy = false
      if (this.reader.closes) this.close()
      this.#events.onAnswer(this)
    }
    return true
  }

  #ended(socket: net.Socket): void {
    if (socket !== this.#socket) return
    this.#socket = undefined
    if (!this.#busy) return
    this.#busy = false
    this.#events.onLost(this)
  }
}

/** `close` follows every `error` and is where a broken connection is dealt with. */
function ignore(): void {}

/** Opens `count` connections. */
export async function openConnections(
  endpoint: Endpoint,
  count: number,
  events: ConnectionEvents,
): Promise<Connection[]> {
  const connections = Array.from({ length: count }, () => new Connection(endpoint, events))
  await Promise.all(connections.map((connection) => connection.open()))
  return connections
}
