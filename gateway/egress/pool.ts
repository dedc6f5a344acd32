/**
 * Connections to MCP servers. Two pools for each: one bounded for calls, one for streams, so that
 * idle streams cannot starve calls. HTTP/1.1 without pipelining: one slow call would hold up
 * whatever is queued behind it, and a POST may not be sent twice.
 */
import { readFileSync } from 'node:fs'
import type { Dispatcher } from 'undici'
import { Pool } from 'undici'

import type { Upstream } from '../model/server.ts'

/** Streams towards one server; the listener's connection cap bounds them before this does. */
const MAX_STREAMS_PER_SERVER = 20_000

/** Answer headers of a server; above it the answer is refused (R-HTTP-7). */
const MAX_HEADER_BYTES = 16_384

/** The part of an undici dispatch controller the gateway uses. */
export type Controller = Dispatcher.DispatchController

/** What an undici dispatch calls back; the events of one request, in order. */
export type Handler = Dispatcher.DispatchHandler

export type Dispatch = {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly path: string
  /** Flat name, value, name, value. */
  readonly headers: string[]
  readonly body: Uint8Array | null
}

export type UpstreamPool = {
  call(dispatch: Dispatch, handler: Handler): void
  stream(dispatch: Dispatch, handler: Handler): void
  /** Lets running requests end, then closes; used when a reload replaces the pool. */
  close(): Promise<void>
  /** Ends everything now. */
  destroy(): Promise<void>
}

/** Opens nothing yet: connections are made on demand. TLS files are read here, once. */
export function createPool(upstream: Upstream): UpstreamPool {
  const calls = new Pool(upstream.origin, options(upstream, upstream.maxConnections))
  const streams = new Pool(upstream.origin, options(upstream, MAX_STREAMS_PER_SERVER))
  return {
    call: (dispatch, handler) => void calls.dispatch(dispatch, handler),
    stream: (dispatch, handler) => void streams.dispatch(dispatch, handler),
    close: async () => void (await Promise.all([calls.close(), streams.close()])),
    destroy: async () => void (await Promise.all([calls.destroy(), streams.destroy()])),
  }
}

function options(upstream: Upstream, connections: number): Pool.Options {
  const tls = upstream.tls
  return {
    connections,
    pipelining: 1,
    // Exchanges watch the time themselves: undici makes two timers per request, which outlive it.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: {
      timeout: upstream.connectTimeoutMs,
      ...(tls?.ca === undefined ? {} : { ca: readFileSync(tls.ca) }),
      ...(tls?.cert === undefined ? {} : { cert: readFileSync(tls.cert) }),
      ...(tls?.key === undefined ? {} : { key: readFileSync(tls.key) }),
      ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
    },
  }
}
