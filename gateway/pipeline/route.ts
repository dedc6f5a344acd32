/** Step 1b: host and path to a server. Exact text on both sides; nothing is normalised (R-ROUTE-1). */
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Head } from './admit.ts'
import { pathOf } from './admit.ts'

/** Names a loopback listener answers to besides the configured one. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

export type Site = {
  /** By public path. */
  readonly servers: ReadonlyMap<string, McpServer>
  /** Origins that are this site itself. */
  readonly origins: ReadonlySet<string>
}

export type Routes = {
  /** By authority (`host[:port]`, lower case). */
  readonly sites: ReadonlyMap<string, Site>
  readonly allowedOrigins: ReadonlySet<string>
}

/** Builds the table once per configuration. Loopback hosts answer to all three loopback names. */
export function buildRoutes(
  servers: readonly McpServer[],
  allowedOrigins: readonly string[],
): Routes {
  const sites = new Map<string, { servers: Map<string, McpServer>; origins: Set<string> }>()
  for (const server of servers) {
    const scheme = new URL(server.resource).protocol
    for (const host of aliases(server.host)) {
      const site = sites.get(host) ?? { servers: new Map(), origins: new Set() }
      site.servers.set(server.path, server)
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
  const server = site.servers.get(pathOf(target))
  if (server === undefined) throw new Refusal('not_found')
  return server
}

function aliases(host: string): readonly string[] {
  const { hostname, port } = new URL(`http://${host}`)
  if (!LOOPBACK.includes(hostname)) return [host]
  const suffix = host.endsWith(':80') ? ':80' : port === '' ? '' : `:${port}`
  return LOOPBACK.map((name) => name + suffix)
}
