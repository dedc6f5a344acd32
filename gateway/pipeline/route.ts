/** Step 1b: host and path to a server. Exact text on both sides; nothing is normalised (R-ROUTE-1). */
import { Refusal } from '../model/refusal.ts'
import type { McpServer, SideRoute } from '../model/server.ts'
import type { Head } from './admit.ts'
import { pathOf } from './admit.ts'
import { pathAsked } from './path-asked.ts'

/** Names a loopback listener answers to besides the configured one. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

export type Site = {
  /** By public path. */
  readonly servers: ReadonlyMap<string, McpServer>
  /** Routes that are not MCP; none contains another one or a server's path. */
  readonly sides: readonly Side[]
  /** Origins that are this site itself. */
  readonly origins: ReadonlySet<string>
}

/** A route that is not MCP, and its server as its callers have to do with it. */
export type Side = { readonly route: SideRoute; readonly server: McpServer }

export type Routes = {
  /** By authority (`host[:port]`, lower case). */
  readonly sites: ReadonlyMap<string, Site>
  readonly allowedOrigins: ReadonlySet<string>
}

type Building = { servers: Map<string, McpServer>; sides: Side[]; origins: Set<string> }

/** Builds the table once per configuration. Loopback hosts answer to all three loopback names. */
export function buildRoutes(
  servers: readonly McpServer[],
  allowedOrigins: readonly string[],
): Routes {
  const sites = new Map<string, Building>()
  for (const server of servers) {
    const scheme = new URL(server.resource).protocol
    for (const host of aliases(server.host)) {
      const site: Building = sites.get(host) ?? {
        servers: new Map(),
        sides: [],
        origins: new Set(),
      }
      site.servers.set(server.path, server)
      site.sides.push(...server.routes.map((route) => sideOf(server, route)))
      for (const alias of aliases(server.host)) site.origins.add(`${scheme}//${alias}`)
      sites.set(host, site)
    }
  }
  return { sites, allowedOrigins: new Set(allowedOrigins) }
}

/**
 * The site a request is for, its Host and Origin checked (DNS rebinding: both must be ours).
 * @throws {Refusal} `misdirected`, `origin_forbidden`.
 */
export function findSite(head: Head, routes: Routes): Site {
  const site = head.host === undefined ? undefined : routes.sites.get(head.host.toLowerCase())
  if (site === undefined) throw new Refusal('misdirected')
  const { origin } = head
  if (origin !== undefined && !site.origins.has(origin) && !routes.allowedOrigins.has(origin)) {
    throw new Refusal('origin_forbidden')
  }
  return site
}

/** @throws {Refusal} `bad_target`, `not_found`. */
export function findServer(site: Site, target: string): McpServer {
  const exact = site.servers.get(target)
  if (exact !== undefined) return exact
  // The query is no part of the name and is never sent on: tokens in it are ignored (OAuth 2.1 §5.1).
  const path = pathOf(target)
  const server = site.servers.get(path)
  if (server === undefined) throw new Refusal('not_found', { detail: `asked: ${pathAsked(path)}` })
  return server
}

/**
 * The route that is not MCP at this target; undefined when it is a server's own path.
 * @throws {Refusal} `bad_target`.
 */
export function findSide(site: Site, target: string): Side | undefined {
  if (site.sides.length === 0 || site.servers.has(target)) return undefined
  const path = pathOf(target)
  return site.sides.find(
    ({ route }) =>
      path.startsWith(route.path) && [undefined, '/'].includes(path[route.path.length]),
  )
}

/** A route of a server, whose callers are asked for a credential as the route says. */
export function sideOf(server: McpServer, route: SideRoute): Side {
  return { route, server: { ...server, anonymous: route.authentication === 'none' } }
}

function aliases(host: string): readonly string[] {
  const { hostname, port } = new URL(`http://${host}`)
  if (!LOOPBACK.includes(hostname)) return [host]
  const suffix = host.endsWith(':80') ? ':80' : port === '' ? '' : `:${port}`
  return LOOPBACK.map((name) => name + suffix)
}
