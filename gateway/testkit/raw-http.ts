/**
 * HTTP/1.1 as bytes on a socket, for requests that no client library would send and for seeing exactly
 * what comes back: how many answers, in which order, and whether the connection was closed after them.
 */
import type { Socket } from 'node:net'
import { connect } from 'node:net'

export type RawReply = {
  readonly status: number
  /** By lower-case name; values of a repeated header are joined with a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

/** Costs nothing where answers come. */
const READ_TIMEOUT_MS = 20_000

/** How long to wait for surplus answers, after those that are expected. */
const QUIET_MS = 20

/** An open connection to a server; `openRaw` makes one. */
export class RawConnection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #ended = false
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    for (const event of ['end', 'close', 'error'] as const) {
      socket.on(event, () => {
        this.#ended = true
        this.#wake?.()
      })
    }
  }

  /** What has arrived and was not read. */
  get rest(): string {
    return this.#received.toString('latin1')
  }

  write(bytes: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  /** The next answer, interim ones (1xx) included. Rejects when none comes whole in time. */
  async read(timeoutMs = READ_TIMEOUT_MS): Promise<RawReply> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const parsed = parseReply(this.#received, this.#ended)
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.bytes)
        return parsed.reply
      }
      if (this.#ended || performance.now() >= deadline) {
        const what = this.#ended ? 'closed' : 'silent'
        throw new Error(`connection ${what}, received ${JSON.stringify(this.rest)}`)
      }
      await this.#change(deadline)
    }
  }

  /** Whether the other side has closed, or does so within this time. */
  async closes(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs
    while (performance.now() < deadline) {
      if (this.#ended) return true
      await this.#change(deadline)
    }
    return this.#ended
  }

  end(): void {
    this.#socket.destroy()
  }

  /** Resolves when something arrives or the time is over. */
  async #change(deadline: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Connects to an origin (`http://127.0.0.1:1234`). */
export async function openRaw(origin: string): Promise<RawConnection> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return new RawConnection(socket)
}

export type Exchanged = {
  readonly replies: readonly RawReply[]
  /** The first answer; one of status 0 when the connection was closed without any. */
  readonly reply: RawReply
  readonly closed: boolean
}

export type Expected = {
  /** Answers that will come, however long they take; 1 by default. Others must follow at once. */
  readonly replies?: number
  /** The connection will be closed, however long it takes. */
  readonly closed?: boolean
}

/** Sends bytes on a connection of its own and reads every answer that comes. */
export async function exchangeRaw(
  origin: string,
  bytes: string | Uint8Array,
  { replies: expected = 1, closed = false }: Expected = {},
): Promise<Exchanged> {
  const connection = await openRaw(origin)
  connection.write(bytes)
  const replies: RawReply[] = []
  try {
    while (replies.length < expected) replies.push(await connection.read())
    for (;;) replies.push(await connection.read(QUIET_MS))
  } catch {
    const isClosed = await connection.closes(closed ? READ_TIMEOUT_MS : 0)
    return { replies, reply: replies[0] ?? NOTHING, closed: isClosed }
  } finally {
    connection.end()
  }
}

const NOTHING: RawReply = { status: 0, headers: new Map(), text: '' }

export type RawRequest = {
  readonly method?: string
  readonly target: string
  readonly version?: string
  /** Exactly these, in this order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Sent as it is; a length is among the headers only when they say so. */
  readonly body?: string
}

/** The bytes of a request, as text. */
export function requestText(request: RawRequest): string {
  const { method = 'POST', target, version = 'HTTP/1.1', headers, body = '' } = request
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} ${version}\r\n${lines.join('')}\r\n${body}`
}

type Parsed = { readonly reply: RawReply; readonly bytes: number }

/** One whole answer from the front of what arrived. */
function parseReply(received: Buffer, ended: boolean): Parsed | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) throw new Error(`not an answer: ${statusLine}`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value)
  }
  const from = headEnd + 4
  const body = bodyOf({ received, from, status, headers, ended })
  if (body === undefined) return undefined
  return { reply: { status, headers, text: body.text }, bytes: from + body.bytes }
}

type Body = { readonly text: string; readonly bytes: number }

function bodyOf(at: {
  readonly received: Buffer
  readonly from: number
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly ended: boolean
}): Body | undefined {
  const { received, from, status, headers, ended } = at
  if (status < 200 || status === 204 || status === 304) return { text: '', bytes: 0 }
  if (headers.get('transfer-encoding') === 'chunked') return chunkedBody(received, from)
  const length = headers.get('content-length')
  const rest = received.subarray(from)
  if (length === undefined) {
    return ended ? { text: rest.toString(), bytes: rest.length } : undefined
  }
  const bytes = Number(length)
  return rest.length < bytes ? undefined : { text: rest.subarray(0, bytes).toString(), bytes }
}

function chunkedBody(received: Buffer, from: number): Body | undefined {
  const parts: Buffer[] = []
  let at = from
  for (;;) {
    const lineEnd = received.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(received.subarray(at, lineEnd).toString('latin1'), 16)
    const start = lineEnd + 2
    if (received.length < start + size + 2) return undefined
    parts.push(received.subarray(start, start + size))
    at = start + size + 2
    if (size === 0) return { text: Buffer.concat(parts).toString(), bytes: at - from }
  }
}
