/**
 * Small documents from addresses that a stranger chose (client id metadata documents): no redirect, and a
 * connection only to what `public-only.ts` lets through.
 */
import { lookup as systemLookup } from 'node:dns'

import { Agent, request } from 'undici'

import { isPublicUrl, publicOnly, type Resolve } from './public-only.ts'

/** From the start to the last byte. */
const TIMEOUT_MS = 3_000

/** What a metadata document may have at most (draft-ietf-oauth-client-id-metadata-document, §6). */
const MAX_BYTES = 5 * 1_024

/** Connections to one host. */
const CONNECTIONS = 2

/** Documents fetched at once: what strangers can make us do. */
const MAX_AT_ONCE = 16

export type PublicFetch = {
  /**
   * The answer with its status and caching headers, its body within bounds.
   *
   * @throws {Error} that does not tell why: a stranger must not learn what is where.
   */
  (url: string): Promise<Response>
  close(): Promise<void>
}

export type PublicFetchOptions = {
  /** The system's resolver by default. */
  readonly resolve?: Resolve
  readonly timeoutMs?: number
  /** Connections; by default those to public addresses, and no others. */
  readonly agent?: Agent
}

export function createPublicFetch(options: PublicFetchOptions = {}): PublicFetch {
  const { resolve = systemLookup, timeoutMs = TIMEOUT_MS } = options
  const agent = options.agent ?? publicAgent(resolve, timeoutMs)
  let atOnce = 0
  const publicFetch = async (text: string): Promise<Response> => {
    const url = URL.parse(text)
    if (url === null || !isPublicUrl(url) || atOnce >= MAX_AT_ONCE) throw refused()
    atOnce += 1
    try {
      return await fetchDocument(url, agent, AbortSignal.timeout(timeoutMs))
    } catch {
      throw refused()
    } finally {
      atOnce -= 1
    }
  }
  return Object.assign(publicFetch, { close: () => agent.close() })
}

function publicAgent(resolve: Resolve, timeoutMs: number): Agent {
  return new Agent({
    connections: CONNECTIONS,
    allowH2: false,
    connect: { timeout: timeoutMs, lookup: publicOnly(resolve), autoSelectFamily: false },
  })
}

async function fetchDocument(url: URL, agent: Agent, signal: AbortSignal): Promise<Response> {
  const headers = { accept: 'application/json' }
  const answer = await request(url, { dispatcher: agent, method: 'GET', headers, signal })
  // Without a listener, leaving the body early raises an error that nobody could catch.
  answer.body.on('error', () => {})
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body) {
    const bytes: Uint8Array = chunk
    size += bytes.length
    if (size > MAX_BYTES) throw refused()
    chunks.push(bytes)
  }
  const kept = new Headers()
  for (const name of ['content-type', 'cache-control', 'expires']) {
    const value = answer.headers[name]
    if (typeof value === 'string') kept.set(name, value)
  }
  return new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: kept })
}

function refused(): Error {
  return new Error('the document cannot be had')
}
