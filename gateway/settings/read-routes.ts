/** `servers.<name>.routes`: parts of a server that are not MCP. */
import type { Path } from '../model/problem.ts'
import type { McpServer, SideRoute } from '../model/server.ts'
import type { RouteFile, ServerFile } from './server-file.ts'
import { pathFault, type PublicUrl } from './public-url.ts'
import type { Reading } from './reading.ts'

/**
 * Headers that must not travel up: about the connection (RFC 9110 §7.6.1), credentials and cookies of the
 * caller, what proxies claim about it, what would make a server read another method or path than was
 * judged, and what is written here.
 */
const NEVER_UP = new RegExp(
  `^(${[
    'connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|host|via|content-length',
    'authorization|proxy-.*|cookie|x-api-key|dpop|origin|mcp-.*|sec-websocket-.*',
    'forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-rewrite-.*|x-(http-)?method(-override)?',
    'accept-encoding|traceparent|tracestate|baggage',
  ].join('|')})$`,
)

/**
 * Headers that must not travel down: the connection's, cookies, challenges, redirects, those that speak for
 * the whole host, and those made here.
 */
const NEVER_DOWN = new RegExp(
  `^(${[
    'connection|keep-alive|te|trailer|transfer-encoding|upgrade|via|content-length|content-encoding',
    'set-cookie2?|www-authenticate|proxy-.*|location|refresh|mcp-.*',
    'alt-svc|strict-transport-security|clear-site-data|service-worker-allowed|nel|report-to|accept-ch',
    'access-control-.*|x-content-type-options|x-accel-.*',
  ].join('|')})$`,
)

/** The gateway's own documents are below it. */
const RESERVED = '/.well-known'

export type RoutesContext = {
  readonly reading: Reading
  /** Where the gateway's own pages are. */
  readonly publicUrl: Pick<PublicUrl, 'host' | 'prefix'>
}

type Written = {
  readonly at: Path
  readonly file: ServerFile
  /** Where the server is served. */
  readonly host: string
}

/** The routes the schema has accepted; what else is wrong with them is reported. */
export function readRoutes(
  { reading, publicUrl }: RoutesContext,
  { at, file, host }: Written,
): readonly SideRoute[] {
  // The package that carries them would follow redirects with the credential.
  if (file.routes.length > 0 && reading.env['FORCE_FETCH_PATH'] === 'true') {
    reading.reportKey(
      at,
      'cannot be served with FORCE_FETCH_PATH=true in the environment: unset it',
    )
  }
  return file.routes.map((route, index) => {
    const own = [...at, index]
    reportPaths(reading, own, route)
    reportHeaders(reading, [...own, 'request_headers'], route.request_headers, NEVER_UP)
    reportHeaders(reading, [...own, 'response_headers'], route.response_headers, NEVER_DOWN)
    const isKeyless = file.credential === 'none' && Object.keys(file.credentials).length === 0
    if (route.authentication === 'none' && !isKeyless) {
      const advice = 'anybody could use it; remove one of the two'
      reading.report([...own, 'authentication'], `none together with a credential: ${advice}`)
    }
    const upstreamPath = route.upstream_path ?? route.path
    return {
      path: publicUrl.prefix + route.path,
      upstreamPath: upstreamPath === '/' ? '' : upstreamPath,
      methods: new Set(route.methods),
      requestHeaders: lowerCase(route.request_headers),
      responseHeaders: lowerCase(route.response_headers),
      authentication: route.authentication,
      sandboxed: host === publicUrl.host,
      policyMethod: route.policy_method,
    }
  })
}

/** Two answers to one path: a route and a server, or two routes, on one host. */
export function reportOverlaps(reading: Reading, servers: readonly McpServer[]): void {
  for (const { name, host, routes } of servers) {
    for (const [index, route] of routes.entries()) {
      const at: Path = ['servers', name, 'routes', index, 'path']
      for (const other of servers) {
        if (other.host !== host) continue
        if (overlap(route.path, other.path)) {
          reading.report(at, `overlaps the path of server "${other.name}", ${other.path}`)
        }
        const twin = other.routes.find((one) => one !== route && overlap(route.path, one.path))
        if (twin !== undefined) reading.report(at, `overlaps another route, ${twin.path}`)
      }
    }
  }
}

function overlap(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`)
}

function reportPaths(reading: Reading, at: Path, { path, upstream_path: up }: RouteFile): void {
  const why = pathFault(path)
  if (why !== undefined) reading.report([...at, 'path'], why)
  else if (overlap(path, RESERVED)) {
    reading.report([...at, 'path'], `${RESERVED}/ belongs to the gateway`)
  }
  const fault = up === undefined || up === '/' ? undefined : pathFault(up)
  if (fault !== undefined) reading.report([...at, 'upstream_path'], fault)
}

function reportHeaders(reading: Reading, at: Path, names: readonly string[], never: RegExp): void {
  for (const [index, name] of names.entries()) {
    if (never.test(name.toLowerCase())) reading.report([...at, index], `${name} is never passed on`)
  }
}

function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()))
}
