/**
 * A reverse proxy on node:http and undici's `dispatch` that judges nothing: bodies are collected, small
 * answers leave in one write, larger ones and streams are passed on with back-pressure, and a client
 * that goes away aborts its exchange. Argument: `ProgramSettings` as JSON.
 */
import http from 'node:http'
import { Pool } from 'undici'
import type { Dispatcher } from 'undici'
import type { ProgramSettings } from '../variants/node-program.ts'

/** Answers up to this length are sent whole. */
const MAX_WHOLE_BYTES = 65_536

const settings = JSON.parse(process.argv[2] ?? '{}') as ProgramSettings
const pool = new Pool(`http://${settings.upstream.host}:${settings.upstream.port}`, {
  connections: 4096,
  bodyTimeout: 0,
})

/** Connection-level headers, which end here (RFC 9110 §7.6.1). */
const OWN_HEADERS = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'te'])

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => forward(request, response, chunks))
})
server.keepAliveTimeout = 0
server.listen({ host: '127.0.0.1', port: settings.port, backlog: 4096 })

function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  chunks: readonly Buffer[],
): void {
  const answer = new Answer(response)
  // One listener for the life of the connection: one per request would keep every request alive past a
  // young collection.
  const socket = request.socket as typeof request.socket & { current?: Answer | undefined }
  if (!('current' in socket)) socket.once('close', () => socket.current?.abandon())
  socket.current = answer
  const headers: string[] = []
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? ''
    if (!OWN_HEADERS.has(name.toLowerCase())) headers.push(name, request.rawHeaders[at + 1] ?? '')
  }
  pool.dispatch(
    {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers,
      body: chunks.length > 0 ? joined(chunks) : null,
    },
    answer,
  )
}

/** One buffer of all; most bodies come in one piece and are not copied. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
}

class Answer implements Dispatcher.DispatchHandler {
  #response: http.ServerResponse | undefined
  #controller: Dispatcher.DispatchController | undefined
  #whole: Buffer[] | undefined

  constructor(response: http.ServerResponse) {
    this.#response = response
  }

  /** The client is gone: the exchange must not keep its connection. */
  abandon(): void {
    this.#response = undefined
    this.#controller?.abort(new Error('client gone'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const kept: (string | string[])[] = []
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && !OWN_HEADERS.has(name)) kept.push(name, value)
    }
    this.#response?.writeHead(status, kept)
    if (Number(headers['content-length'] ?? Infinity) <= MAX_WHOLE_BYTES) this.#whole = []
    else this.#response?.flushHeaders()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#whole !== undefined) this.#whole.push(chunk)
    else if (this.#response?.write(chunk) === false) {
      controller.pause()
      this.#response.once('drain', () => controller.resume())
    }
  }

  onResponseEnd(): void {
    if (this.#whole === undefined) this.#response?.end()
    // Head and body as one string leave in one write.
    else this.#response?.end(joined(this.#whole).toString('latin1'), 'latin1')
    this.#forget()
  }

  onResponseError(): void {
    if (this.#response?.headersSent) this.#response.destroy()
    else this.#response?.writeHead(502).end()
    this.#forget()
  }

  #forget(): void {
    this.#response = undefined
    this.#controller = undefined
    this.#whole = undefined
  }
}
