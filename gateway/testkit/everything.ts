/** The MCP reference server "everything", unmodified, over Streamable HTTP or HTTP+SSE. */
import { createRequire } from 'node:module'

import type { Child } from './child.ts'
import { NODE, startChild } from './child.ts'
import { freePort } from './free-port.ts'

export type EverythingServer = {
  readonly url: string
  readonly child: Child
  stop(): Promise<void>
}

/**
 * Starts it with nothing of our environment but what a program needs: its tool `get-env` shows all it
 * has. It listens on all interfaces, and cannot be told otherwise.
 *
 * @param port Fixed port; a free one by default.
 */
export async function startEverything(
  port?: number,
  transport: 'streamableHttp' | 'sse' = 'streamableHttp',
): Promise<EverythingServer> {
  const chosen = port ?? (await freePort())
  const require = createRequire(import.meta.url)
  const script = require.resolve('@modelcontextprotocol/server-everything/dist/index.js')
  const child = startChild({
    command: NODE,
    args: [script, transport],
    env: { PORT: String(chosen) },
    inherit: ['PATH', 'HOME'],
  })
  await child.waitFor(/(listening|running) on port/i)
  return {
    url: `http://127.0.0.1:${chosen}${transport === 'sse' ? '/sse' : '/mcp'}`,
    child,
    stop: async () => void (await child.stop(1_000)),
  }
}
