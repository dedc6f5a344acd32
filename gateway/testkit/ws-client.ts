/** WebSocket clients: the stock one of the SDK v1, and a bare one for frames that no SDK would send. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js'
import { WebSocket } from 'ws'

const StockWebSocket = globalThis.WebSocket

export type WsHandshake = {
  readonly headers?: Readonly<Record<string, string>>
  /** Whose certificates are believed. */
  readonly ca?: string
  /** `mcp` unless there are others. */
  readonly protocols?: readonly string[]
}

/** The public URL of a server, for WebSocket. */
export function wsUrl(url: string): string {
  return url.replace(/^http/, 'ws')
}

/**
 * A connected client of the SDK v1. Its transport sends neither a token nor a ticket; the WebSocket of the
 * runtime does it for it, as applications have to.
 */
export async function connectWs(
  url: string,
  { headers = {}, protocols = ['mcp'] }: WsHandshake,
): Promise<Client> {
  class Presenting extends StockWebSocket {
    constructor(at: string | URL) {
      super(at, { protocols: [...protocols], headers: { ...headers } })
    }
  }
  const client = new Client(
    { name: 'test-agent', version: '1.0.0' },
    { capabilities: { roots: {} } },
  )
  globalThis.WebSocket = Presenting
  try {
    await client.connect(new WebSocketClientTransport(new URL(wsUrl(url))))
  } finally {
    globalThis.WebSocket = StockWebSocket
  }
  return client
}

export type BareWs = {
  readonly socket: WebSocket
  /** Parsed text messages that came. */
  readonly received: Readonly<Record<string, unknown>>[]
  /** Status of a refused handshake; 101 when it was accepted. */
  readonly status: number
  /** Headers of the answer to the handshake. */
  readonly headers: Readonly<Record<string, unknown>>
  /** Body of a refused handshake. */
  readonly body: string
  /** Resolves with code and reason. */
  readonly closed: Promise<{
    readonly code: number
    readonly reason: string
    readonly atMs: number
  }>
  send(message: unknown): void
  /** The answer to the request with this id. Rejects when it takes longer than 20 s. */
  answer(id: unknown): Promise<Readonly<Record<string, unknown>>>
}

/** A handshake, accepted or not, and what follows. */
export async function openWs(
  url: string,
  { headers = {}, protocols = ['mcp'], ca }: WsHandshake = {},
): Promise<BareWs> {
  const socket = new WebSocket(wsUrl(url), [...protocols], {
    headers,
    perMessageDeflate: true,
    ...(ca === undefined ? {} : { ca }),
  })
  const received: Readonly<Record<string, unknown>>[] = []
  socket.on('message', (data: Buffer) =>
    received.push(JSON.parse(data.toString()) as Readonly<Record<string, unknown>>),
  )
  socket.on('error', () => undefined)
  const closed: BareWs['closed'] = new Promise((resolve) =>
    socket.once('close', (code, reason) =>
      resolve({ code, reason: reason.toString(), atMs: performance.now() }),
    ),
  )
  const shaken = await new Promise<Pick<BareWs, 'status' | 'headers' | 'body'>>((resolve) => {
    socket.once('upgrade', ({ headers }) => resolve({ status: 101, headers, body: '' }))
    socket.once('error', () => resolve({ status: 0, headers: {}, body: '' }))
    socket.once('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      const { statusCode = 0, headers } = response
      response.on('end', () => resolve({ status: statusCode, headers, body }))
    })
  })
  if (shaken.status === 101 && socket.readyState !== WebSocket.OPEN) {
    await new Promise((resolve) => socket.once('open', resolve))
  }
  return {
    socket,
    received,
    ...shaken,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    answer: async (id) => {
      const deadline = performance.now() + ANSWER_MS
      for (;;) {
        const found = received.find((message) => message['id'] === id && !('method' in message))
        if (found !== undefined) return found
        if (performance.now() > deadline) throw new Error(`no answer to ${String(id)}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}

const ANSWER_MS = 20_000
