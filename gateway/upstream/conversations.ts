/**
 * All running exchanges with all servers. Owns the connection pools of one configuration; a reload
 * builds new conversations and lets the old ones finish.
 */
import type { UpstreamPool } from '../egress/pool.ts'
import { createPool } from '../egress/pool.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Collect } from './collect.ts'
import type { ExchangeLimits, ExchangeOptions } from './exchange.ts'
import { Exchange } from './exchange.ts'
import { createRoster } from './roster.ts'
import type { Waiting } from './waiting.ts'
import { createWaiting } from './waiting.ts'

/**
 * Calls of departed clients that may run on unheard, as a share of a server's connections. In the legacy
 * eras a disconnect is no cancellation, but a flood of disconnects must leave connections for others.
 */
const DRAINING_SHARE = 1 / 4

export type UpstreamRequest = {
  readonly method: 'POST' | 'GET' | 'DELETE'
  /** Path and query at the server's origin; those of its configured endpoint when absent. */
  readonly path?: string
  readonly headers: string[]
  readonly body: Uint8Array | undefined
  readonly collect: Collect
  readonly whenGone: ExchangeOptions['whenGone']
  /** Milliseconds for the whole answer; the server's configured total when absent. */
  readonly timeoutMs?: number
}

/** What of an exchange its client can leave behind. */
export type Departing = Pick<Exchange, 'clientGone' | 'draining' | 'server' | 'abort'>

export type Conversations = {
  /** Starts an exchange. It never throws; what goes wrong comes out of `answer`. */
  send(server: McpServer, request: UpstreamRequest): Exchange
  /** The client of this exchange hung up. */
  gone(exchange: Departing): void
  /** Ends exchanges that are past their deadline. Called every second. */
  sweep(tick: number): void
  readonly running: number
  close(): Promise<void>
  destroy(): Promise<void>
}

/** @param tick Monotonic milliseconds. */
export function createConversations(
  servers: readonly McpServer[],
  tick: () => number,
): Conversations {
  const lines = new Map(servers.map((server) => [server.name, openLine(server, tick)]))
  const running = createRoster<Exchange>()
  const forget = (exchange: Exchange): void => {
    running.remove(exchange)
    lines.get(exchange.server)?.draining.delete(exchange)
  }
  const dequeue = (exchange: Exchange): void => {
    lines.get(exchange.server)?.waiting.leave(exchange.bodyBytes)
  }

  return {
    send(server, request) {
      const { upstream } = server
      const exchange = new Exchange({
        server: server.name,
        collect: request.collect,
        whenGone: request.whenGone,
        limits: limitsOf(upstream, request.timeoutMs),
        tick,
        bodyBytes: request.body?.length ?? 0,
      })
      exchange.onDone = forget
      running.add(exchange)
      const line = lines.get(server.name)
      if (line === undefined) return refused(exchange, 'no such server')
      const dispatch = {
        method: request.method,
        path: request.path ?? upstream.path,
        headers: request.headers,
        body: request.body ?? null,
      }
      try {
        if (request.method === 'GET') {
          line.pool.stream(dispatch, exchange)
          return exchange
        }
        if (!line.waiting.hasRoom) return refused(exchange, 'too many calls wait for it')
        line.waiting.enter(exchange.bodyBytes)
        exchange.onDequeued = dequeue
        line.pool.call(dispatch, exchange)
      } catch (error) {
        exchange.dequeued()
        exchange.abort(new Refusal('upstream_unavailable', { detail: String(error), cause: error }))
      }
      return exchange
    },
    gone(exchange) {
      exchange.clientGone()
      const line = lines.get(exchange.server)
      if (!exchange.draining || line === undefined) return
      line.draining.add(exchange)
      const [oldest] = line.draining
      if (line.draining.size > line.maxDraining) oldest?.abort(new Refusal('upstream_unavailable'))
    },
    sweep(now) {
      const late = running.members.filter(({ deadlineTick }) => deadlineTick <= now)
      for (const exchange of late) exchange.abort(new Refusal('upstream_timeout'))
      for (const { pool } of lines.values()) pool.sweep()
    },
    get running() {
      return running.members.length
    },
    close: async () =>
      void (await Promise.all([...lines.values()].map(({ pool }) => pool.close()))),
    destroy: async () =>
      void (await Promise.all([...lines.values()].map(({ pool }) => pool.destroy()))),
  }
}

function refused(exchange: Exchange, detail: string): Exchange {
  exchange.abort(new Refusal('upstream_unavailable', { detail }))
  return exchange
}

function limitsOf(
  upstream: McpServer['upstream'],
  totalMs = upstream.totalTimeoutMs,
): ExchangeLimits {
  return { headersMs: upstream.headersTimeoutMs, idleMs: upstream.idleTimeoutMs, totalMs }
}

/** The connections to one server, and what still runs on them for clients that have left. */
type Line = {
  readonly pool: UpstreamPool
  readonly waiting: Waiting
  readonly draining: Set<Departing>
  readonly maxDraining: number
}

function openLine({ upstream }: McpServer, tick: () => number): Line {
  const maxDraining = Math.floor(upstream.maxConnections * DRAINING_SHARE)
  return {
    pool: createPool(upstream, tick),
    waiting: createWaiting(),
    draining: new Set(),
    maxDraining,
  }
}
