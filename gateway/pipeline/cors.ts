/** Cross-origin reads by browser clients: exact origins only, never a wildcard with credentials. */
import type { Routes } from './route.ts'
import type { Visit } from './visit.ts'

const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, Retry-After'

/** How long a browser may remember a preflight answer. */
const PREFLIGHT_SECONDS = '600'

/** Flat headers that let the page of an allowed origin read the answer; none without an Origin. */
export function corsHeaders(visit: Pick<Visit, 'head'>, routes: Routes): readonly string[] {
  const origin = visit.head?.origin
  if (origin === undefined) return []
  const site = routes.sites.get(visit.head?.host?.toLowerCase() ?? '')
  if (!routes.allowedOrigins.has(origin) && site?.origins.has(origin) !== true) return []
  return [
    'access-control-allow-origin',
    origin,
    'access-control-expose-headers',
    EXPOSED,
    'vary',
    'origin',
  ]
}

export type Preflight = {
  /** What may be asked of the target, as a list with commas. */
  readonly methods: string
  /** The headers that the browser asks about. */
  readonly asked: string | undefined
}

/**
 * The headers of a preflight answer. The requested list is echoed, since a wildcard would not cover
 * Authorization (Fetch §3.2.3).
 */
export function preflightHeaders(
  visit: Pick<Visit, 'head'>,
  routes: Routes,
  { methods, asked: requestedHeaders }: Preflight,
): readonly string[] {
  const allowed = corsHeaders(visit, routes)
  if (allowed.length === 0) return []
  const names = (requestedHeaders ?? '').split(',').map((name) => name.trim().toLowerCase())
  const asked = names.filter((name) => /^[a-z0-9-]{1,64}$/.test(name)).slice(0, 32)
  return [
    ...allowed,
    'access-control-allow-methods',
    methods,
    ...(asked.length === 0 ? [] : ['access-control-allow-headers', asked.join(', ')]),
    'access-control-max-age',
    PREFLIGHT_SECONDS,
  ]
}
