/**
 * Requests to the parts of servers that are not MCP, through http-proxy-3. Of what that package would do
 * by itself only the transport is wanted: it would copy every header in both directions, resolve the
 * path, relay redirects and cookies, and end a broken answer as if it were whole. So it is given a
 * request of our own making, with a path that is sent as it is, and answers are handled here.
 */
import { Agent, IncomingMessage, ServerResponse } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'

import type { ProxyServer } from 'http-proxy-3'
import { createProxyServer } from 'http-proxy-3'

import { Refusal } from '../model/refusal.ts'
import type { McpServer, Upstream } from '../model/server.ts'
import { SideExchange } from './side-exchange.ts'

/** Connections kept to one server while they are idle. */
const MAX_IDLE_CONNECTIONS = 8

export type SideRequest = {
  readonly method: string
  /** Path and query at the server's origin, sent byte for byte. */
  readonly path: string
  /** All there are, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

export type SideDoors = {
  /** Starts an exchange. It never throws; what goes wrong comes out of `answer`. */
  send(server: McpServer, request: SideRequest): SideExchange
  /** Ends exchanges that are past their deadline. Call it every second. @param tick Monotonic milliseconds. */
  sweep(tick: number): void
  /** Closes all connections. */
  close(): void
}

/** Opens nothing yet. TLS files are read here, once. @param tick Monotonic milliseconds. */
export function createSideDoors(servers: readonly McpServer[], tick: () => number): SideDoors {
  const running = new Set<SideExchange>()
  const waiting = new WeakMap<ServerResponse, SideExchange>()
  const doors = new Map<string, Door>()
  for (const { name, upstream, routes } of servers) {
    if (routes.length > 0) doors.set(name, openDoor(upstream, waiting))
  }
  return {
    send(server, request) {
      const { connectTimeoutMs, headersTimeoutMs, idleTimeoutMs } = server.upstream
      const exchange = new SideExchange({
        server: server.name,
        limits: { headersMs: connectTimeoutMs + headersTimeoutMs, idleMs: idleTimeoutMs },
        tick,
        onDone: (done) => void running.delete(done),
      })
      running.add(exchange)
      const door = doors.get(server.name)
      if (door === undefined) exchange.abort(new Refusal('upstream_unavailable'))
      else ask(door, request, { exchange, waiting })
      return exchange
    },
    sweep(now) {
      for (const exchange of running) {
        if (exchange.deadlineTick <= now) exchange.abort(new Refusal('upstream_timeout'))
      }
    },
    close() {
      for (const { agent } of doors.values()) agent.destroy()
    },
  }
}

type Door = { readonly proxy: ProxyServer; readonly agent: Agent; readonly host: string }

type Waiting = WeakMap<ServerResponse, SideExchange>

function openDoor(upstream: Upstream, waiting: Waiting): Door {
  // A WebSocket server has its pages at the same host and port.
  const target = upstream.origin.replace(/^ws/, 'http')
  const agent = agentFor(upstream, target)
  const proxy = createProxyServer({
    target,
    agent,
    // The path goes up as it came; otherwise a URL parser would resolve it.
    toProxy: true,
    prependPath: false,
    selfHandleResponse: true,
    followRedirects: false,
    xfwd: false,
    connectTimeout: upstream.connectTimeoutMs,
  })
  proxy.on('proxyRes', (answer, _request, response) => waiting.get(response)?.begin(answer))
  // Errors go to whoever asked; what is left has nobody.
  proxy.on('error', () => undefined)
  return { proxy, agent, host: new URL(target).host }
}

function agentFor({ maxConnections, tls }: Upstream, target: string): Agent {
  const options = {
    keepAlive: true,
    maxSockets: maxConnections,
    maxFreeSockets: MAX_IDLE_CONNECTIONS,
  }
  if (!target.startsWith('https:')) return new Agent(options)
  return new TlsAgent({
    ...options,
    ...(tls?.ca === undefined ? {} : { ca: readFileSync(tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: readFileSync(tls.cert) }),
    ...(tls?.key === undefined ? {} : { key: readFileSync(tls.key) }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  })
}

function ask(
  { proxy, host }: Door,
  { method, path, headers, body }: SideRequest,
  { exchange, waiting }: { readonly exchange: SideExchange; readonly waiting: Waiting },
): void {
  const request = new IncomingMessage(new Socket())
  request.method = method
  request.url = path
  request.headers = { ...headers, host, ...(body && { 'content-length': String(body.length) }) }
  const response = new ServerResponse(request)
  waiting.set(response, exchange)
  // Closed without having been finished: the package takes that for a client that is gone.
  exchange.cancel = () => void response.emit('close')
  proxy.web(
    request,
    response,
    { buffer: Readable.from(body === undefined ? [] : [body]) },
    (error) =>
      exchange.abort(new Refusal('upstream_unavailable', { detail: error.message, cause: error })),
  )
}
