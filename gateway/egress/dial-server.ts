/** Connections to MCP servers that are reached by WebSocket, one for each of their clients. */
import type { Upstream } from '../model/server.ts'
import { dial } from '../websocket/dial.ts'
import type { Wire } from '../websocket/wire.ts'
import { readTls } from './tls-files.ts'

/**
 * Opens one. TLS files are read anew each time. Rejects as `dial` does, or when a file cannot be read.
 *
 * @param options.headers Flat name, value, name, value.
 * @param options.tick Monotonic milliseconds.
 */
export async function dialServer(
  { origin, path, tls, connectTimeoutMs, headersTimeoutMs }: Upstream,
  options: {
    readonly headers: readonly string[]
    readonly subprotocol: string
    readonly maxFrameBytes: number
    readonly tick: () => number
  },
): Promise<Wire> {
  return await dial({
    url: origin + path,
    subprotocol: options.subprotocol,
    headers: byName(options.headers),
    timeoutMs: connectTimeoutMs + headersTimeoutMs,
    maxFrameBytes: options.maxFrameBytes,
    tick: options.tick,
    tls: readTls(tls),
  })
}

function byName(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) headers[flat[at] ?? ''] = flat[at + 1] ?? ''
  return headers
}
