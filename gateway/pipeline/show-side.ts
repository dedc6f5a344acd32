/**
 * Step 9 for a part of a server that is not MCP: its body as it comes, without the server's credential,
 * and those headers that its operator named. Redirects, challenges and cookies are never among them.
 */
import { Refusal } from '../model/refusal.ts'
import type { SideRoute } from '../model/server.ts'
import { mediaType } from '../upstream/answer.ts'
import { createRedactor, type Redactor } from '../upstream/redact.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import type { Answered } from './show-message.ts'
import type { Outgoing } from './visit.ts'

/**
 * Pages on the gateway's own host get an origin that is not the gateway's (CSP level 3, "sandbox"):
 * otherwise their scripts could act on its pages as whoever is logged in there.
 */
const SANDBOX = 'sandbox allow-downloads allow-forms allow-popups allow-scripts'

/** @throws {Refusal} `upstream_unavailable` for an answer that concerns only the server's own clients. */
export function showSide(
  answered: Answered,
  route: SideRoute,
  desk: Pick<Desk, 'emit' | 'routes'>,
): Outgoing {
  const { answer, permit } = answered
  const { status, contentEncoding = 'identity', body } = answer
  if (body.kind === 'whole') throw new Error('a side answer flows')
  const redirects = status >= 300 && status < 400 && status !== 304
  const isForeign = redirects || status === 401 || status === 403 || status === 407
  if (isForeign || contentEncoding.toLowerCase() !== 'identity') {
    const detail = isForeign ? `status ${status}` : 'a content coding'
    const refusal = new Refusal('upstream_unavailable', { detail })
    body.source.abort(refusal)
    throw refusal
  }
  const { name } = permit.server
  const redactor = createRedactor(answered.seat.injected?.[1], () => {
    const detail = `server ${name} sent its credential back`
    desk.emit({ type: 'warning', what: 'credential_echoed', detail })
  })
  const headers = [
    ...headersDown(answered, route, redactor),
    ...corsHeaders(answered.seat, desk.routes),
  ]
  const source = redactor?.source(body.source) ?? body.source
  return { status, headers, body: { kind: 'stream', source, ending: 'cut' } }
}

function headersDown(
  { answer }: Answered,
  { responseHeaders, sandboxed }: SideRoute,
  redactor: Redactor | undefined,
): readonly string[] {
  const headers = ['x-content-type-options', 'nosniff']
  if (sandboxed) headers.push('content-security-policy', SANDBOX)
  if (!responseHeaders.has('cache-control')) headers.push('cache-control', 'no-store')
  for (const name of responseHeaders) {
    const value = answer.headers?.[name]
    if (typeof value === 'string' && redactor?.isIn(value) !== true) headers.push(name, value)
  }
  // Buffers on the way would hold events back.
  if (mediaType(answer.contentType) === 'text/event-stream') headers.push('x-accel-buffering', 'no')
  return headers
}
