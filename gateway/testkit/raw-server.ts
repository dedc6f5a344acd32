/**
 * A server that answers with bytes and not with HTTP: for answers no HTTP library would send, and for
 * connections that break at a chosen byte.
 */
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'

import type { Rpc } from './recording-server.ts'

export type RawRequest = {
  /** Request line and headers. */
  readonly head: string
  readonly json: Rpc | undefined
}

export type RawServer = {
  readonly url: string
  /** Requests that arrived whole, oldest first. */
  readonly seen: RawRequest[]
  readonly sockets: ReadonlySet<Socket>
  /** Requests for this tool. */
  calls(tool: string): readonly RawRequest[]
  stop(): Promise<void>
}

/** Answers a request by writing to its socket, which stays open unless it is closed here. */
export type RawAnswer = (socket: Socket, request: RawRequest) => void

/** @param fixedPort A port to listen on; a free one by default. */
export async function startRawServer(answer: RawAnswer, fixedPort = 0): Promise<RawServer> {
  const seen: RawRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    readRequests(socket, (request) => {
      seen.push(request)
      answer(socket, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(fixedPort, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    seen,
    sockets,
    calls: (tool) => seen.filter(({ json }) => json?.params?.['name'] === tool),
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Requests with a Content-Length or without a body: what the gateway sends. */
function readRequests(socket: Socket, onRequest: (request: RawRequest) => void): void {
  let held = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    for (;;) {
      const end = held.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = held.toString('latin1', 0, end)
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? '0')
      const next = end + 4 + length
      if (held.length < next) return
      const body = held.toString('utf8', end + 4, next)
      held = held.subarray(next)
      onRequest({ head, json: body === '' ? undefined : (JSON.parse(body) as Rpc) })
    }
  })
}

/** How the length of an answer is known to whoever reads it. */
export type Framing = 'length' | 'chunked' | 'until_close'

/** A whole HTTP answer as bytes. */
export function httpAnswer(
  body: string | Uint8Array,
  options: {
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly framing?: Framing
  } = {},
): Buffer {
  const { status = 200, headers = {}, framing = 'length' } = options
  const bytes = Buffer.from(body as string)
  const lines = Object.entries({ 'content-type': 'application/json', ...headers })
  if (framing === 'length') lines.push(['content-length', String(bytes.length)])
  if (framing === 'chunked') lines.push(['transfer-encoding', 'chunked'])
  if (framing === 'until_close') lines.push(['connection', 'close'])
  const head = `HTTP/1.1 ${status} Said\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head), framing === 'chunked' ? chunked(bytes) : bytes])
}

/** Chunks of 100 bytes and the one that ends them. */
function chunked(bytes: Buffer): Buffer {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 100) {
    const part = bytes.subarray(at, at + 100)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}
