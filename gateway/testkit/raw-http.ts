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

export type RawConnection = {
  write(bytes: string | Uint8Array): void
  /** The next answer, interim ones (1xx) included. Rejects when none comes whole in time. */
  read(timeoutMs?: number): Promise<RawReply>
  /** Whether the other side has closed, or does so within this time. */
  closes(withinMs?: number): Promise<boolean>
  /** What has arrived and was not read. */
  rest(): string
  end(): void
}

const READ_TIMEOUT_MS = 5_000

/** How long to wait for a close, and for surplus answers: loopback answers in less than a tenth. */
const QUIET_MS = 250

/** Connects to an origin (`http://127.0.0.1:1234`). */
export async function openRaw(origin: string): Promise<RawConnection> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let received = Buffer.alloc(0)
  let ended = false
  let wake = (): void => undefined
  const onChange = (): void => {
    wake()
    wake = () => undefined
  }
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    onChange()
  })
  for (const event of ['end', 'close', 'error'] as const) {
    socket.on(event, () => {
      ended = true
      onChange()
    })
  }
  await connected(socket)

  /** Waits until something arrives or the time is over. */
  const change = async (untilTick: number): Promise<void> => {
    const left = untilTick - performance.now()
    if (left <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
  return {
    write: (bytes) => void (socket.writable && socket.write(bytes)),
    async read(timeoutMs = READ_TIMEOUT_MS) {
      const until = performance.now() + timeoutMs
      for (;;) {
        const parsed = parseReply(received, ended)
        if (parsed !== undefined) {
          received = received.subarray(parsed.bytes)
          return parsed.reply
        }
        if (ended || performance.now() >= until) {
          const what = ended ? 'closed' : 'silent'
          throw new Error(`connection ${what}, received ${JSON.stringify(received.toString())}`)
        }
        await change(until)
      }
    },
    async closes(withinMs = QUIET_MS) {
      const until = performance.now() + withinMs
      while (!ended && performance.now() < until) await change(until)
      return ended
    },
    rest: () => received.toString('latin1'),
    end: () => void socket.destroy(),
  }
}

export type Exchanged = {
  readonly replies: readonly RawReply[]
  /** The first answer; one of status 0 when the connection was closed without any. */
  readonly reply: RawReply
  readonly closed: boolean
}

/**
 * Sends bytes on a connection of its own and reads every answer that comes until the other side
 * closes or is quiet for a quarter of a second.
 */
export async function exchangeRaw(
  origin: string,
  bytes: string | Uint8Array,
  quietMs = QUIET_MS,
): Promise<Exchanged> {
  const connection = await openRaw(origin)
  connection.write(bytes)
  const replies: RawReply[] = []
  try {
    // The first answer may take its time; what would follow it is there at once.
    replies.push(await connection.read())
    for (;;) replies.push(await connection.read(quietMs))
  } catch {
    const closed = await connection.closes(0)
    return { replies, reply: replies[0] ?? NOTHING, closed }
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

async function connected(socket: Socket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
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
