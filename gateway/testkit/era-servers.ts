/** MCP servers of one era each, made with the official SDKs, with one tool that says who answered. */
import { createMcpHandler, McpServer as ModernServer } from '@modelcontextprotocol/server'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'

import type { FetchServer } from './fetch-server.ts'
import { startFetchServer } from './fetch-server.ts'

const INFO = { name: 'era', version: '1.0.0' }
const ABOUT = { description: 'Says which era answered' }

/** SDK v1 with sessions: it has never heard of 2026-07-28. */
export function startLegacyServer(port?: number): Promise<FetchServer> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return startFetchServer(async (request) => {
    const id = request.headers.get('mcp-session-id')
    const known = id === null ? undefined : sessions.get(id)
    if (known !== undefined) return await known.handleRequest(request)
    if (id !== null) return new Response(undefined, { status: 404 })
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (opened) => void sessions.set(opened, transport),
      onsessionclosed: (closed) => void sessions.delete(closed),
    })
    const server = new McpServer(INFO)
    server.registerTool('era', ABOUT, () => ({ content: [{ type: 'text', text: 'legacy' }] }))
    await server.connect(transport)
    return await transport.handleRequest(request)
  }, port)
}

/** SDK v2 without sessions: 2026-07-28, and older revisions too when asked for `both`. */
export function startModernServer(eras: 'modern' | 'both', port?: number): Promise<FetchServer> {
  const handler = createMcpHandler(
    () => {
      const server = new ModernServer(INFO)
      server.registerTool('era', ABOUT, () => ({ content: [{ type: 'text', text: eras }] }))
      return server
    },
    { legacy: eras === 'modern' ? 'reject' : 'stateless' },
  )
  return startFetchServer((request) => handler.fetch(request), port)
}
