/** Stock MCP clients, as an agent developer would use them: the official SDK, a URL and a token. */
import type { VersionNegotiationOptions } from '@modelcontextprotocol/client'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** A connected client of the TypeScript SDK v1; `client` may be one that can do more. */
export async function connectV1(
  url: string,
  token: string,
  client = new Client({ name: 'test-agent', version: '1.0.0' }),
  via: typeof fetch = fetch,
): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
    fetch: via,
  })
  await client.connect(transport)
  return client
}

/** A connected client of the TypeScript SDK v1 over HTTP+SSE. `post` stands in for `fetch` when it POSTs. */
export async function connectSse(
  url: string,
  token: string,
  post: typeof fetch = fetch,
): Promise<Client> {
  const client = new Client({ name: 'test-agent', version: '1.0.0' })
  const transport = new SSEClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
    fetch: (to, init) => (init?.method === 'POST' ? post(to, init) : fetch(to, init)),
  })
  try {
    await client.connect(transport)
  } catch (error) {
    // A stream that broke off would be asked for again and again.
    await transport.close()
    throw error
  }
  return client
}

/** A connected client of the TypeScript SDK v2, which speaks the legacy era unless it is told otherwise. */
export async function connectV2(
  url: string,
  token: string,
  versionNegotiation?: VersionNegotiationOptions,
): Promise<ModernClient> {
  const client = new ModernClient(
    { name: 'test-agent', version: '1.0.0' },
    { ...(versionNegotiation !== undefined && { versionNegotiation }) },
  )
  const transport = new ModernTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  })
  await client.connect(transport)
  return client
}

/** The same, trying the modern era first. */
export function connectAuto(url: string, token: string): Promise<ModernClient> {
  return connectV2(url, token, { mode: 'auto' })
}
