/**
 * The operators' port: metrics, health and the admin API, on its own socket so that a network policy
 * can keep callers away from it. Exact paths, no query, no user-agent logic.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import type { AdminRequest } from '../admin/admin.ts'
import type { AdminAnswer } from '../admin/answer.ts'
import { isLoopback } from '../model/loopback.ts'
import { hintOf } from './listen.ts'
import type { Readiness } from './readiness.ts'

/** An admin request body. */
const MAX_BODY_BYTES = 65_536

/** What is asked of the ops port. */
export type OpsHandlers = {
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly readiness: () => Readiness | Promise<Readiness>
  readonly admin: (request: AdminRequest) => Promise<AdminAnswer>
}

export type OpsOptions = OpsHandlers & { readonly host: string; readonly port: number }

export type OpsListener = { readonly port: number; close(): Promise<void> }

type Answer = {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Rejects with an Error that says where it could not listen, and why. */
export async function listenOps(options: OpsOptions): Promise<OpsListener> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, options).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, failed(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const where = `${options.host}:${options.port}`
      const said = `${error.message}${hintOf(error, 'ops.port')}`
      reject(new Error(`ops: cannot listen on ${where}: ${said}`, { cause: error }))
    })
    server.listen(options.port, options.host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(request: IncomingMessage, options: OpsOptions): Promise<Answer> {
  if (isRebound(request, options)) return plain(421, 'this host is not served here\n')
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  if (path.startsWith('/admin/')) return await askAdmin(request, path, query, options)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  switch (path) {
    case '/metrics': {
      if (!isRead) return readOnly()
      const { contentType, text } = await options.metrics()
      return { status: 200, type: contentType, text }
    }
    case '/livez':
      return isRead ? plain(200, 'ok\n') : readOnly()
    case '/readyz': {
      if (!isRead) return readOnly()
      const readiness = await options.readiness()
      const text = `${JSON.stringify(readiness, undefined, 2)}\n`
      return { status: readiness.ready ? 200 : 503, type: 'application/json', text }
    }
    default:
      return plain(404, 'not found\n')
  }
}

/**
 * On a loopback address only loopback names are answered: a web page could otherwise have its own name
 * resolve to this port and read it (DNS rebinding).
 */
function isRebound({ headers }: IncomingMessage, { host }: OpsOptions): boolean {
  if (!isLoopback(host)) return false
  const url = `http://${headers.host ?? ''}`
  return !URL.canParse(url) || !isLoopback(new URL(url).hostname)
}

async function askAdmin(
  request: IncomingMessage,
  path: string,
  query: string,
  { admin }: OpsOptions,
): Promise<Answer> {
  // Two are none: another reader could take the other one.
  const [authorization, ...more] = request.headersDistinct['authorization'] ?? []
  const actor = request.headers['x-gatehouse-actor']
  const reply = await admin({
    method: request.method ?? '',
    path,
    query: new URLSearchParams(query),
    authorization: more.length === 0 ? authorization : undefined,
    actor: typeof actor === 'string' ? actor : undefined,
    address: request.socket.remoteAddress ?? '',
    body: () => readBody(request),
  })
  const text = `${JSON.stringify(reply.body)}\n`
  return { status: reply.status, type: 'application/json', text, headers: reply.headers }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError('body too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', text }
}

function readOnly(): Answer {
  return { ...plain(405, 'method not allowed\n'), headers: { allow: 'GET, HEAD' } }
}

function failed(error: unknown): Answer {
  return error instanceof RangeError
    ? plain(413, 'body too large\n')
    : plain(500, 'internal error\n')
}

function send(response: ServerResponse, { status, type, text, headers }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers })
  response.end(text)
}
