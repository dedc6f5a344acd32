/**
 * The MCP server behind the gateway under load: it speaks both eras, knows which sessions are open and no more
 * of them, and tells open event streams something every second. Argument: the port to listen on.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { CALL_ANSWER, LIST_ANSWER } from '../bench/traffic.ts'

/** Connections that may wait to be accepted while many streams are opened. */
const BACKLOG = 4096

/** What open streams are told, and how often, in milliseconds. */
const NEWS =
  'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"news"}}\n\n'
const NEWS_EVERY_MS = 1_000

const INITIALIZED =
  '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"load","version":"1"}}}'

const streams = new Set<ServerResponse>()
const sessions = new Set<string>()

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    request.resume()
    openStream(response)
    return
  }
  const session = request.headers['mcp-session-id']
  if (session !== undefined && !sessions.has(String(session))) {
    request.resume()
    response.writeHead(404).end()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.method === 'DELETE') {
      sessions.delete(String(session))
      response.writeHead(204).end()
    } else answer(Buffer.concat(chunks).toString(), response)
  })
})
server.keepAliveTimeout = 0
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: BACKLOG }, () =>
  console.log('upstream listens'),
)
setInterval(() => {
  for (const stream of streams) stream.write(NEWS)
}, NEWS_EVERY_MS)

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  response.write(': open\n\n')
  streams.add(response)
  response.on('close', () => streams.delete(response))
}

function answer(asked: string, response: ServerResponse): void {
  // Good enough for those who ask here: they put the id before anything that could hold another.
  const id = /"id":("[^"]*"|\d+)/.exec(asked)?.[1]
  if (id === undefined) {
    response.writeHead(202).end()
    return
  }
  const begins = asked.includes('"method":"initialize"')
  const body = (begins ? INITIALIZED : answerTo(asked)).replace('"id":1', `"id":${id}`)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(begins ? { 'mcp-session-id': newSession() } : {}),
  })
  response.end(body)
}

function newSession(): string {
  const session = randomUUID()
  sessions.add(session)
  return session
}

function answerTo(asked: string): string {
  return asked.includes('"method":"tools/list"') ? LIST_ANSWER : CALL_ANSWER
}
