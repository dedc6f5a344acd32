/**
 * The `endpoint` event of HTTP+SSE (MCP 2024-11-05, transports): the server says on the stream where its
 * client must POST. Clients hear of an address of ours instead, with the server's sealed in its query,
 * so that any process with the same keys can forward their messages and nobody else's.
 */
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer, Upstream } from '../model/server.ts'
import type { Desk } from './desk.ts'
import { ownerOf } from './handles.ts'
import type { Seated } from './visit.ts'

/** Longest address a server may name, in characters: our own, which holds it sealed, goes into a request line. */
export const MAX_ENDPOINT_CHARS = 1_024

const QUERY = '?endpoint='

/** What a client resolves as it is written: no blanks, no line ends, and no backslash, which URL parsers turn around. */
const PLAIN = /^[\x21-\x5b\x5d-\x7e]+$/

export type EndpointRead =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly problem: string }

/**
 * Where a server wants its messages: path and query, resolved against the address of its stream as a
 * client would. Only its own origin will do, since its credential goes there.
 */
export function readEndpoint(
  text: string,
  upstream: Pick<Upstream, 'origin' | 'path'>,
): EndpointRead {
  if (text.length > MAX_ENDPOINT_CHARS) return wrong('is longer than 1,024 characters')
  if (!PLAIN.test(text)) return wrong('is not a plain URL')
  const base = upstream.origin + upstream.path
  if (!URL.canParse(text, base)) return wrong('is not a URL')
  const url = new URL(text, base)
  if (url.origin !== upstream.origin) return wrong('is at another origin')
  if (url.username !== '' || url.password !== '') return wrong('holds a user name or password')
  const path = url.pathname + url.search
  // Resolving may escape what was written plainly.
  return path.length > MAX_ENDPOINT_CHARS ? wrong('is too long once resolved') : { ok: true, path }
}

/**
 * What a client reads in place of the server's endpoint: a reference to the public path, which is at our
 * origin by whichever of our names the client came. The visit knows the server's own from then on.
 *
 * @throws {Refusal} `upstream_unavailable` for an endpoint that will not do, or a second, different one.
 */
export function showEndpoint(
  text: string,
  { seat, caller }: { readonly seat: Seated; readonly caller: Caller },
  desk: Pick<Desk, 'seals' | 'emit'>,
): string {
  const { server } = seat
  if (server.upstream.transport !== 'sse') {
    throw new Refusal('upstream_unavailable', {
      detail: 'an HTTP+SSE endpoint event; is upstream.transport sse?',
    })
  }
  const read = readEndpoint(text, server.upstream)
  if (!read.ok) throw unfit(server, read.problem, desk)
  if (seat.endpoint !== undefined && seat.endpoint !== read.path) {
    throw unfit(server, 'is not the one it named before', desk)
  }
  seat.endpoint = read.path
  return server.path + QUERY + desk.seals.seal('endpoint', boundTo(caller, server), read.path)
}

/**
 * Finds out where a message to an HTTP+SSE server goes. A GET goes to the stream, a POST where its handle
 * says; a handle that is not this caller's looks like one that was never made.
 *
 * @throws {Refusal} `not_found` for such a handle, `method_not_allowed` for a POST without one: a client
 *   that tries Streamable HTTP first then comes back with a GET; `upgrade_required` for a server behind a
 *   WebSocket, which is served by WebSocket only.
 */
export function openEndpoint(seat: Seated, caller: Caller, desk: Pick<Desk, 'seals'>): void {
  const { server, target, httpMethod, side, head } = seat
  if (side !== undefined) return
  if (server.upstream.transport === 'websocket') throw new Refusal('upgrade_required')
  if (server.upstream.transport !== 'sse' || httpMethod === 'GET') return
  // A client that tries the modern era first reads in the answer to its message what the server speaks.
  if (httpMethod === 'POST' && MODERN_VERSIONS.includes(head.protocolVersion ?? '')) return
  const prefix = server.path + QUERY
  if (httpMethod !== 'POST' || !target.startsWith(prefix)) throw new Refusal('method_not_allowed')
  const path = desk.seals.open('endpoint', boundTo(caller, server), target.slice(prefix.length))
  if (path === undefined) throw new Refusal('not_found', { detail: 'no endpoint of this caller' })
  seat.endpoint = path
}

/** Whom a handle is for. The origin, too: a path says nothing about the server that comes after this one. */
export function boundTo(caller: Caller, server: McpServer): readonly string[] {
  return [...ownerOf(caller, server), server.upstream.origin]
}

function wrong(problem: string): EndpointRead {
  return { ok: false, problem }
}

function unfit(server: McpServer, problem: string, { emit }: Pick<Desk, 'emit'>): Refusal {
  // In our words only: what a server sends may be anything.
  const detail = `the endpoint of server ${server.name} ${problem}`
  emit({ type: 'warning', what: 'endpoint_refused', detail })
  return new Refusal('upstream_unavailable', { detail })
}
