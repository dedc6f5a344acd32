/**
 * A real MCP server behind WebSocket: the SDK's own server, with a transport of `ws` for each connection.
 * It writes down every message that arrives, so that a test can see what went up and that nothing did.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { ServerOptions as TlsOptions } from 'node:https'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'

export type WsConnection = {
  readonly socket: WebSocket
  readonly headers: IncomingHttpHeaders
  readonly mcp: McpServer
}

export type WsServer = {
  /** `ws://`, or `wss://` with certificates. */
  readonly url: string
  /** Text of every message that arrived, oldest first. */
  readonly seen: string[]
  /** Messages of this method that arrived. */
  calls(method: string): readonly string[]
  readonly connections: readonly WsConnection[]
  /** The newest connection. */
  last(): WsConnection
  /** Has the calls of `slow` that run answered. */
  answerSlow(): void
  stop(): Promise<void>
}

/**
 * Listens on loopback with the tools `echo`, `delete_all`, `slow`, `stuck` and `ask`.
 *
 * @param tls Certificates to speak TLS with; plain by default.
 */
export async function startWsServer(tls?: TlsOptions): Promise<WsServer> {
  const seen: string[] = []
  const connections: WsConnection[] = []
  const slow: (() => void)[] = []
  const http = tls === undefined ? createServer() : createTlsServer(tls)
  const server = new WebSocketServer({ server: http, handleProtocols: () => 'mcp' })
  server.on('connection', (socket, request) => {
    socket.on('message', (data: Buffer) => seen.push(data.toString()))
    const mcp = buildServer(slow)
    connections.push({ socket, headers: request.headers, mcp })
    void mcp.connect(transportOf(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}/mcp`,
    seen,
    calls: (method) => seen.filter((text) => text.includes(`"method":"${method}"`)),
    connections,
    last: () => connections.at(-1)!,
    answerSlow: () => {
      for (const answer of slow.splice(0)) answer()
    },
    stop: async () => {
      for (const { socket } of connections) socket.terminate()
      server.close()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

/** @param slow Where calls of `slow` put what answers them. */
function buildServer(slow: (() => void)[]): McpServer {
  const mcp = new McpServer({ name: 'ws', version: '1' }, { capabilities: { logging: {} } })
  const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })
  mcp.registerTool('echo', { description: 'says ok' }, () => text('echoed'))
  mcp.registerTool('delete_all', { description: 'dangerous' }, () => text('deleted'))
  mcp.registerTool('slow', { description: 'takes its time' }, async () => {
    await new Promise<void>((resolve) => slow.push(resolve))
    return text('slept')
  })
  mcp.registerTool('stuck', { description: 'never answers' }, () => new Promise(() => undefined))
  mcp.registerTool('ask', { description: 'asks the client for its roots' }, async () => {
    const { roots } = await mcp.server.listRoots()
    return text(`${roots.length} roots`)
  })
  return mcp
}

function transportOf(socket: WebSocket): Transport {
  const transport: Transport = {
    start: () => Promise.resolve(),
    close: () => Promise.resolve(socket.close()),
    send: (message) => Promise.resolve(socket.send(JSON.stringify(message))),
  }
  socket.on('message', (data: Buffer) =>
    transport.onmessage?.(JSON.parse(data.toString()) as JSONRPCMessage),
  )
  socket.on('close', () => transport.onclose?.())
  socket.on('error', (error) => transport.onerror?.(error))
  return transport
}
