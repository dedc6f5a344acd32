import type { ConsentWords } from './consent-words.ts'
import type { DecisionPoint } from './decision-point.ts'
import type { Credential, StaticCredential } from './credential.ts'

/** TLS towards a server. Paths are absolute; files are read again when they change. */
export type UpstreamTls = {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly serverName: string | undefined
}

/**
 * A part of a server that is not MCP (a page, a health check), served because its operator named it. A
 * path is matched by whole segments, so `/ui` covers `/ui/a` and not `/uix`.
 */
export type SideRoute = {
  /** Public path; everything below it belongs to the route. */
  readonly path: string
  /** What stands in its place at the server's origin; empty for the root. */
  readonly upstreamPath: string
  readonly methods: ReadonlySet<string>
  /** Lower-case names of the headers that travel up; the rest stays here. */
  readonly requestHeaders: ReadonlySet<string>
  /** Lower-case names of the headers that travel down. */
  readonly responseHeaders: ReadonlySet<string>
  /** `none`: callers without a credential are served, as the anonymous caller. */
  readonly authentication: 'required' | 'none'
  /** Whether its pages get an origin of their own, because they share the gateway's host. */
  readonly sandboxed: boolean
  /** The method that policy must allow for every request here. */
  readonly policyMethod: string
}

export type Upstream = {
  /**
   * How it is spoken to and served: Streamable HTTP, the HTTP+SSE of revision 2024-11-05 (an event stream
   * and an address for POSTs), or WebSocket.
   */
  readonly transport: 'http' | 'sse' | 'websocket'
  /** Scheme, host and port; the only place this server's credential is ever sent to. */
  readonly origin: string
  /** Path and query of the MCP endpoint there; of the event stream, for HTTP+SSE. */
  readonly path: string
  readonly tls: UpstreamTls | undefined
  readonly connectTimeoutMs: number
  /** From the end of the request to the first answer header. */
  readonly headersTimeoutMs: number
  /** The whole of an answer that is no event stream. */
  readonly totalTimeoutMs: number
  /** Silence on a stream after which it is given up. */
  readonly idleTimeoutMs: number
  /** Open connections to this origin; requests above it wait, streams included. */
  readonly maxConnections: number
}

/** An unmodified MCP server behind the gateway, with the one public URL clients know it by. */
export type McpServer = {
  readonly name: string
  /** Authority clients use (`host[:port]`, lower case). */
  readonly host: string
  /** Public path, matched byte for byte. */
  readonly path: string
  /** The public URL: the resource identifier of RFC 9728 and the audience of its tokens. */
  readonly resource: string
  /** Audiences accepted in tokens: the resource and what the operator added. */
  readonly audiences: readonly string[]
  /** Issuers trusted here; undefined means every configured one. */
  readonly issuers: readonly string[] | undefined
  /** Scopes named in metadata. */
  readonly scopes: readonly string[]
  /** Those that clients are told to ask for first; undefined means all. */
  readonly initialScopes: readonly string[] | undefined
  readonly upstream: Upstream
  readonly credential: Credential
  /** Credentials of single tools by name; undefined when all use that of the server. */
  readonly toolCredentials: ReadonlyMap<string, Credential> | undefined
  /** Credentials that rules choose by name; undefined when there are none. */
  readonly ruleCredentials: ReadonlyMap<string, Credential> | undefined
  /** Sent where there is none for this caller; undefined refuses the call. */
  readonly fallback: StaticCredential | undefined
  /** Serve callers without a credential as the anonymous caller. Refused together with a credential. */
  readonly anonymous: boolean
  /** Protocol eras it speaks; `probe`: it is asked. Of no meaning where the transport leaves no choice. */
  readonly eras: 'probe' | 'legacy' | 'modern' | 'both'
  /** Methods beyond the specification that policy may allow. */
  readonly methods: ReadonlySet<string>
  /** `opaque`: resource URIs need not be canonical, and rules for them match byte for byte. */
  readonly resourceUris: 'canonical' | 'opaque'
  /** `allow`: forward names that the server's lists do not show. */
  readonly unlisted: 'deny' | 'allow'
  /** `http`: refuse judged calls with 403 and 502 instead of HTTP 200 and a JSON-RPC error. */
  readonly refusals: 'jsonrpc' | 'http'
  /**
   * Definitions of tools: `watch` tells when one changes, `hold` keeps the tool back until an operator
   * accepts the change, `off` keeps nothing.
   */
  readonly pin: 'off' | 'watch' | 'hold'
  /** Asked about calls beside the rules; undefined where nobody is. */
  readonly decisionPoint: DecisionPoint | undefined
  /** What people are told who decide about clients of it; undefined where nothing was written. */
  readonly consent: ConsentWords | undefined
  readonly maxBodyBytes: number
  /** What else of it is served. */
  readonly routes: readonly SideRoute[]
}
