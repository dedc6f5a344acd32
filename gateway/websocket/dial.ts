import type { ConnectionOptions } from 'node:tls'
import { WebSocket } from 'ws'

import { CLOSE_MS, MAX_FRAGMENTS, Wire } from './wire.ts'

export type DialOptions = {
  /** `ws://` or `wss://`. */
  readonly url: string
  readonly subprotocol: string
  /** By name. Those of the handshake itself are the connection's own. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds until the other side must have accepted. */
  readonly timeoutMs: number
  /** A larger message closes the connection with 1009. */
  readonly maxFrameBytes: number
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>
  /** Monotonic milliseconds. */
  readonly tick: () => number
}

/**
 * Opens a WebSocket of this subprotocol. Follows no redirect, offers no compression.
 * Rejects when the other side cannot be reached in time, refuses, or does not speak the subprotocol.
 */
export async function dial(options: DialOptions): Promise<Wire> {
  const settings = {
    headers: options.headers,
    handshakeTimeout: options.timeoutMs,
    followRedirects: false,
    perMessageDeflate: false,
    maxPayload: options.maxFrameBytes,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_MS,
    ...options.tls,
  }
  const socket = new WebSocket(options.url, [options.subprotocol], settings)
  return await new Promise<Wire>((resolve, reject) => {
    // The first one counts; it stays, since an error that nobody listens to would end the process.
    socket.on('error', reject)
    // The wire must be there before the first frame is read, which is in the same turn.
    socket.once('open', () => resolve(new Wire(socket, options.tick)))
  })
}
