/**
 * All running exchanges with all servers. Owns the connection pools of one configuration; a reload
 * builds new conversations and lets the old ones finish.
 */
import type { UpstreamPool } from '../egress/pool.ts'
import { createPool } from '../egress/pool.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { ExchangeOptions } from './exchange.ts'
import { Exchange } from './exchange.ts'

/**
 * Calls of departed clients that may run on unheard, for all servers together. In the legacy eras a
 * disconnect is no cancellation; without a bound a flood of disconnects would hold every connection.
 */
const MAX_DRAINING = 64

export type UpstreamRequest = {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly headers: string[]
  readonly body: Uint8Array | undefined
  readonly collect: ExchangeOptions['collect']
  readonly whenGone: ExchangeOptions['whenGone']
  /** Milliseconds for the whole answer; the server's configured total when absent. */
  readonly timeoutMs?: number
}

export type Conversations = {
  /** Starts an exchange. It never throws; what goes wrong comes out of `answer`. */
  send(server: McpServer, request: UpstreamRequest): Exchange
  /** The client of this exchange hung up. */
  gone(exchange: Exchange): void
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
  const pools = new Map<string, UpstreamPool>()
  for (const server of servers) pools.set(server.name, createPool(server.upstream))
  const running = new Set<Exchange>()
  const draining = new Set<Exchange>()
  const forget = (exchange: Exchange): void => {
    running.delete(exchange)
    draining.delete(exchange)
  }

  return {
    send(server, request) {
      const { upstream } = server
      const exchange = new Exchange({
        collect: request.collect,
        whenGone: request.whenGone,
        deadlineTick: tick() + (request.timeoutMs ?? upstream.totalTimeoutMs),
      })
      exchange.onDone = forget
      running.add(exchange)
      const pool = pools.get(server.name)
      if (pool === undefined) {
        exchange.abort(new Refusal('upstream_unavailable', { detail: 'no such server' }))
        return exchange
      }
      const dispatch = {
        method: request.method,
        path: upstream.path,
        headers: request.headers,
        body: request.body ?? null,
        headersTimeout: upstream.headersTimeoutMs,
        bodyTimeout: upstream.idleTimeoutMs,
      }
      try {
        if (request.method === 'GET') pool.stream(dispatch, exchange)
        else pool.call(dispatch, exchange)
      } catch (error) {
        exchange.abort(new Refusal('upstream_unavailable', { detail: String(error), cause: error }))
      }
      return exchange
    },
    gone(exchange) {
      exchange.clientGone()
      if (!exchange.draining) return
      draining.add(exchange)
      const [oldest] = draining
      if (draining.size > MAX_DRAINING) oldest?.abort(new Refusal('upstream_unavailable'))
    },
    sweep(now) {
      for (const exchange of running) {
        if (exchange.deadlineTick <= now) exchange.abort(new Refusal('upstream_timeout'))
      }
    },
    get running() {
      return running.size
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.close()))),
    destroy: async () =>
      void (await Promise.all([...pools.values()].map((pool) => pool.destroy()))),
  }
}
