/**
 * An MCP server of the official SDK (v2) with everything the official conformance suite asks a server
 * for, in both eras on one endpoint: sessions for legacy clients, stateless for modern ones.
 */
import { randomBytes, randomUUID } from 'node:crypto'

import type { EventStore, McpHttpHandler } from '@modelcontextprotocol/server'
import {
  createMcpHandler,
  createRequestStateCodec,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  McpServer,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'

import { registerPrompts, registerResources } from './conformance/prompts-and-resources.ts'
import type { Round } from './conformance/rounds.ts'
import { registerAskingPrompt, registerRounds } from './conformance/rounds.ts'
import { registerTools } from './conformance/tools.ts'
import type { FetchServer } from './fetch-server.ts'
import { startFetchServer } from './fetch-server.ts'

export type ConformanceServer = FetchServer

/** Starts it on a free loopback port. */
export async function startConformanceServer(): Promise<ConformanceServer> {
  const codec = createRequestStateCodec<Round>({ key: randomBytes(32) })
  const makeServer = (): McpServer => {
    const server = new McpServer(
      { name: 'conformance', version: '1.0.0' },
      {
        capabilities: {
          logging: {},
          completions: {},
          tools: { listChanged: true },
          prompts: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
        },
        requestState: { verify: codec.verify },
      },
    )
    registerTools(server, modern.notify)
    registerRounds(server, codec)
    registerAskingPrompt(server)
    registerPrompts(server)
    registerResources(server)
    registerPlain(server)
    return server
  }
  const modern: McpHttpHandler = createMcpHandler(makeServer, { legacy: 'reject' })
  const legacy = createSessions(makeServer)
  const answer = async (request: Request): Promise<Response> =>
    hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
    originValidationResponse(request, localhostAllowedOrigins()) ??
    ((await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request))
  const http = await startFetchServer(answer)
  return {
    url: http.url,
    stop: async () => {
      await modern.close()
      await http.stop()
    },
  }
}

/** Requests that the SDK leaves to the server, answered as plainly as the suite allows. */
function registerPlain({ server }: McpServer): void {
  server.setRequestHandler('completion/complete', () => ({
    completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false },
  }))
  server.setRequestHandler('resources/subscribe', () => ({}))
  server.setRequestHandler('resources/unsubscribe', () => ({}))
}

/** Legacy clients by session, each with a server of its own. */
function createSessions(makeServer: () => McpServer): (request: Request) => Promise<Response> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return async (request) => {
    const id = request.headers.get('mcp-session-id')
    if (id !== null) {
      const known = sessions.get(id)
      return known === undefined
        ? new Response(null, { status: 404 })
        : known.handleRequest(request)
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (opened) => void sessions.set(opened, transport),
      onsessionclosed: (closed) => void sessions.delete(closed),
      eventStore: createEventStore(),
      retryInterval: 100,
    })
    await makeServer().connect(transport)
    return transport.handleRequest(request)
  }
}

/** The events of one session, so that a stream can be taken up again. */
function createEventStore(): EventStore {
  const events: { readonly stream: string; readonly message: Parameters<Send>[1] }[] = []
  type Send = Parameters<EventStore['replayEventsAfter']>[1]['send']
  return {
    storeEvent: async (stream, message) => String(events.push({ stream, message })),
    getStreamIdForEventId: async (id) => events[Number(id) - 1]?.stream,
    replayEventsAfter: async (lastId, { send }) => {
      const { stream } = events[Number(lastId) - 1] ?? { stream: '' }
      for (const [at, event] of events.entries()) {
        const isNext = event.stream === stream && at >= Number(lastId)
        // The first event of a stream only marks its place.
        if (isNext && 'jsonrpc' in event.message) await send(String(at + 1), event.message)
      }
      return stream
    },
  }
}
