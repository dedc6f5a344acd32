/**
 * A lenient MCP server that writes down every byte it sees, for both eras, with faults on demand. It
 * shows what really went up, and that nothing did.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ServerOptions as TlsOptions } from 'node:https'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export type Seen = {
  readonly method: string
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** The parsed body; undefined when it is not JSON. */
  readonly json: Rpc | undefined
}

export type Rpc = {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: unknown
}

/** Answers a request itself and returns true, or leaves it to the default answers. */
export type Override = (seen: Seen, response: ServerResponse) => boolean | Promise<boolean>

export type RecordingServer = {
  readonly url: string
  readonly origin: string
  /** Everything that arrived, oldest first. */
  readonly seen: Seen[]
  /** Calls of this method that arrived. */
  calls(method: string): readonly Seen[]
  /** Open connections from the gateway. */
  readonly sockets: ReadonlySet<Socket>
  override: Override | undefined
  stop(): Promise<void>
}

export const TOOLS = ['echo', 'delete_all', 'read_file'] as const

/** @param tls Certificates to speak TLS with; plain HTTP by default. */
export async function startRecordingServer(
  override?: Override,
  tls?: TlsOptions,
): Promise<RecordingServer> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request, response, record).catch(() => response.destroy())
  }
  const http = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest)
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const record: RecordingServer = {
    url: `${origin}/mcp`,
    origin,
    seen,
    sockets,
    override,
    calls: (method) => seen.filter(({ json }) => json?.method === method),
    stop: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return record
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  record: RecordingServer,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const seen: Seen = {
    method: request.method ?? '',
    target: request.url ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body,
    json: parse(body),
  }
  record.seen.push(seen)
  if (record.override !== undefined && (await record.override(seen, response))) return
  if (seen.method !== 'POST') {
    response.writeHead(seen.method === 'DELETE' ? 200 : 405).end()
    return
  }
  const result = resultFor(seen.json)
  if (seen.json?.id === undefined || seen.json.method === undefined || result === undefined) {
    response.writeHead(202).end()
    return
  }
  sendJson(response, { jsonrpc: '2.0', id: seen.json.id, result }, headersFor(seen.json))
}

/** Answers with one JSON document. */
export function sendJson(
  response: ServerResponse,
  message: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(message))
}

/** Answers with an event stream of these messages and ends it. */
export function sendEvents(response: ServerResponse, messages: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const message of messages) {
    response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  }
  response.end()
}

function headersFor(rpc: Rpc): Record<string, string> {
  return rpc.method === 'initialize' ? { 'mcp-session-id': 'upstream-session-1' } : {}
}

/** What a good server answers a request with; undefined for what has no answer. */
export function resultFor(rpc: Rpc | undefined): unknown {
  switch (rpc?.method) {
    case 'initialize':
      return {
        protocolVersion: rpc.params?.['protocolVersion'] ?? '2025-11-25',
        capabilities: { tools: {}, prompts: {}, resources: {} },
        serverInfo: { name: 'recording', version: '1' },
      }
    case 'ping':
      return {}
    case 'tools/list':
      return { tools: TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } })) }
    case 'prompts/list':
      return { prompts: [{ name: 'hello' }, { name: 'secret' }] }
    case 'resources/list':
      return {
        resources: [
          { uri: 'file:///pub/a', name: 'a' },
          { uri: 'file:///priv/b', name: 'b' },
        ],
      }
    case 'resources/templates/list':
      return { resourceTemplates: [{ uriTemplate: 'file:///pub/{name}', name: 'pub' }] }
    case 'resources/read':
      return { contents: [{ uri: rpc.params?.['uri'], text: 'content' }] }
    case 'tools/call':
      return { content: [{ type: 'text', text: `called ${String(rpc.params?.['name'])}` }] }
    case 'prompts/get':
      return { messages: [] }
    case 'completion/complete':
      return { completion: { values: [] } }
    case 'server/discover':
      return {
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
        resultType: 'complete',
      }
    default:
      return rpc?.id === undefined ? undefined : {}
  }
}

function parse(body: Buffer): Rpc | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Rpc
  } catch {
    return undefined
  }
}
