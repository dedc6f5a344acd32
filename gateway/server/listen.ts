/** The public socket: strict HTTP/1.1, bounded in time, size and number (R-HTTP-1, -7). */
import { readFileSync } from 'node:fs'
import type { Server, ServerOptions } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as NetServer, Socket } from 'node:net'
import { createSecureContext, Server as TlsServer } from 'node:tls'

import type { Listen, ListenTls } from '../settings/settings.ts'
import { VisitRequest, VisitResponse } from './http-visit.ts'
import { createRawFront, type RawFront, type RawFrontOptions } from './raw-front.ts'
import { MAX_HEAD_BYTES } from './raw-request.ts'
import type { UpgradeArrival } from './upgrade-visit.ts'

/** The whole request head must arrive in this time. */
const HEADERS_TIMEOUT_MS = 10_000
/** The whole request, body included. */
const REQUEST_TIMEOUT_MS = 30_000
/** An idle connection is kept this long. */
const IDLE_CONNECTION_MS = 5_000
/** How often the two time-outs above are looked at: what they may be late by. */
const TIMEOUT_CHECK_MS = 1_000
/** More than are served, so that surplus headers are seen and refused instead of silently dropped. */
const MAX_PARSED_HEADERS = 256
/** A client has so long to read why it was not understood, and to end its side as well. */
const UNREADABLE_MS = 2_000

/** Takes each request that node:http has read; returns at once. */
export type OnRequest = (
  request: VisitRequest,
  response: VisitResponse,
  expectsContinue: 'expects_continue' | 'sends_at_once',
) => void

/** Who takes requests to upgrade to WebSocket. */
export type Upgrades = {
  /** Whether they are taken at this target; elsewhere they are served as if they asked for no upgrade. */
  serves(target: string): boolean
  receive(arrival: UpgradeArrival): void
}

/** Who takes plain calls, unless `listen.front` is `node`. */
export type RawCalls = Pick<RawFrontOptions, 'serves' | 'serve'>

/** The public socket, open. */
export type Listener = {
  readonly port: number
  readonly connections: () => number
  /**
   * Reads the certificate files again, in force once what is returned is called; connections already open keep
   * theirs. Throws when they do not fit.
   */
  prepareCertificates(tls: ListenTls): () => void
  /** Stops accepting and lets idle connections go, silent ones too. Resolves when the last one is closed. */
  close(): Promise<void>
  closeIdle(): void
  /** Cuts whatever is still open. */
  cut(): void
}

/** Who takes what comes in. */
export type Takers = {
  readonly onRequest: OnRequest
  readonly upgrades: Upgrades
  readonly rawCalls: RawCalls
}

/** Listens once it resolves. Rejects with an Error that says where it could not, and why. */
export async function listen(
  options: Listen,
  { onRequest, upgrades, rawCalls }: Takers,
): Promise<Listener> {
  const server = create(options.tls, upgrades)
  server.maxHeadersCount = MAX_PARSED_HEADERS
  // TLS connections are their server's from the beginning.
  const raw =
    options.front === 'raw' && options.tls === undefined
      ? rawInFrontOf(server, rawCalls)
      : undefined
  const outer = raw?.server ?? server
  outer.maxConnections = options.maxConnections
  // Among several workers a surplus connection would else be handed from one to the next without end.
  Object.assign(outer, { dropMaxConnection: true })
  const admit = skipClosing(onRequest)
  server.on('request', (request: VisitRequest, response: VisitResponse) =>
    admit(request, response, 'sends_at_once'),
  )
  server.on('checkContinue', (request: VisitRequest, response: VisitResponse) =>
    admit(request, response, 'expects_continue'),
  )
  server.on('upgrade', (request: VisitRequest, socket: Socket, head: Buffer) =>
    upgrades.receive({ request, socket, head }),
  )
  server.on('clientError', answerUnreadable)
  const sockets = openSockets(outer)
  await started(outer, options)
  const address = outer.address()
  const closeIdle = (): void => {
    raw?.closeIdle()
    server.closeIdleConnections()
    // Node counts as idle only what has been asked something before.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    connections: () => sockets.size,
    prepareCertificates: (tls) => {
      if (!(server instanceof TlsServer)) return () => {}
      const read = certificates(tls)
      // What a server cannot be given is no certificate for a context either.
      createSecureContext(read)
      return () => server.setSecureContext(read)
    },
    close: () =>
      new Promise((resolve) => {
        outer.close(() => resolve())
        closeIdle()
      }),
    closeIdle,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

type HttpOptions = ServerOptions<typeof VisitRequest, typeof VisitResponse>

function create(
  tls: ListenTls | undefined,
  upgrades: Upgrades,
): Server<typeof VisitRequest, typeof VisitResponse> {
  const http: HttpOptions = {
    IncomingMessage: VisitRequest,
    ServerResponse: VisitResponse,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
    shouldUpgradeCallback: ({ method, headers, url = '' }) =>
      method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && upgrades.serves(url),
  }
  if (tls === undefined) return createServer(http)
  return createTlsServer({
    ...http,
    ...certificates(tls),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(tls.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
  })
}

function certificates(tls: ListenTls) {
  return {
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
    ...(tls.clientCa === undefined ? {} : { ca: readFileSync(tls.clientCa) }),
  }
}

/** A raw front whose other connections are that server's. */
function rawInFrontOf(
  server: Server<typeof VisitRequest, typeof VisitResponse>,
  calls: RawCalls,
): RawFront {
  // It never listens itself, and without this it would hold its connections to none of the time-outs.
  server.emit('listening')
  return createRawFront({
    ...calls,
    handOver: (socket) => void server.emit('connection', socket),
    keepAliveMs: IDLE_CONNECTION_MS,
    now: Date.now,
  })
}

/** Of a port that is taken; what else there is says itself. */
export function hintOf(error: Error, setting: 'listen.port' | 'ops.port'): string {
  return 'code' in error && error.code === 'EADDRINUSE'
    ? `; another program has it: end that, or set another ${setting}`
    : ''
}

async function started(server: NetServer, { host, port }: Listen): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(
          `listen: cannot listen on ${host}:${port}: ${error.message}${hintOf(error, 'listen.port')}`,
          { cause: error },
        ),
      ),
    )
    server.listen(port, host, () => resolve())
  })
}

/** The connections that are open, those in the middle of their TLS handshake included. */
function openSockets(server: NetServer): Set<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/**
 * What was pipelined behind a request whose answer closed the connection is not served (RFC 9112 §9.6):
 * Node.js has parsed it before that answer is on the wire.
 */
function skipClosing(onRequest: OnRequest): OnRequest {
  const closing = new WeakSet<Socket>()
  return (request, response, expectsContinue) => {
    if (closing.has(request.socket)) return
    onRequest(request, response, expectsContinue)
    if (response.writableEnded && !response.shouldKeepAlive) closing.add(request.socket)
  }
}

/** What the HTTP parser refuses has no request object: a bare answer, and the connection is closed. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  socket.end(`HTTP/1.1 ${statusFor(error.code)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  const late = setTimeout(() => socket.destroy(), UNREADABLE_MS)
  socket.once('close', () => clearTimeout(late))
}

function statusFor(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout'
  return '400 Bad Request'
}
