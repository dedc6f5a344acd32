/**
 * Connections to MCP servers. Two pools for each: one bounded for calls, one for streams, so that
 * idle streams cannot starve calls. HTTP/1.1 without pipelining: one slow call would hold up
 * whatever is queued behind it, and a POST may not be sent twice.
 */
import { Pool } from 'undici'

import type { Upstream } from '../model/server.ts'
import { MAX_HEAD_BYTES } from './answer-head.ts'
import type { Dispatch, Handler } from './dispatch.ts'
import { PlainPool } from './plain-pool.ts'
import { readTls, type TlsContents } from './tls-files.ts'

/** Streams towards one server; the listener's connection cap bounds them before this does. */
const MAX_STREAMS_PER_SERVER = 20_000

export type UpstreamPool = {
  call(dispatch: Dispatch, handler: Handler): void
  stream(dispatch: Dispatch, handler: Handler): void
  /** Closes connections that have been idle for long. Called every second. */
  sweep(): void
  /** Lets running requests end, then closes; used when a reload replaces the pool. */
  close(): Promise<void>
  /** Ends everything now. */
  destroy(): Promise<void>
}

/**
 * Opens nothing yet: connections are made on demand. TLS files are read here, once.
 *
 * @param tick Monotonic milliseconds.
 */
export function createPool(upstream: Upstream, tick: () => number): UpstreamPool {
  const { origin, connectTimeoutMs } = upstream
  const connect = { connectTimeoutMs, tls: readTls(upstream.tls) }
  const calls = openCalls(upstream, connect, tick)
  const streams = new Pool(origin, options(connect, MAX_STREAMS_PER_SERVER))
  return {
    call: (dispatch, handler) => calls.call(dispatch, handler),
    stream: (dispatch, handler) => void streams.dispatch(dispatch, handler),
    sweep: () => calls.sweep(),
    close: async () => void (await Promise.all([calls.close(), streams.close()])),
    destroy: async () => void (await Promise.all([calls.destroy(), streams.destroy()])),
  }
}

type Calls = Pick<PlainPool, 'call' | 'sweep' | 'close' | 'destroy'>

function openCalls(upstream: Upstream, connect: Connect, tick: () => number): Calls {
  const { origin, maxConnections, connectTimeoutMs } = upstream
  if (origin.startsWith('http:'))
    return new PlainPool({ origin, maxConnections, connectTimeoutMs, tick })
  const pool = new Pool(origin, options(connect, maxConnections))
  return {
    call: (dispatch, handler) => void pool.dispatch(dispatch, handler),
    // It closes them by itself.
    sweep: () => {},
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  }
}

type Connect = Pick<Upstream, 'connectTimeoutMs'> & { readonly tls: TlsContents }

function options({ connectTimeoutMs, tls }: Connect, connections: number): Pool.Options {
  return {
    connections,
    pipelining: 1,
    // Exchanges watch the time themselves: undici makes two timers per request, which outlive it.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    maxHeaderSize: MAX_HEAD_BYTES,
    connect: { timeout: connectTimeoutMs, ...tls },
  }
}
