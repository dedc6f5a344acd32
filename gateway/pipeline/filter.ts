/**
 * Step 9: what of the answer this caller may see. Lists lose what policy hides, streams are read
 * frame by frame, and nothing of a server that concerns only its own clients comes through: no
 * redirects, no challenges, no cookies, no error pages (R-RESP).
 */
import { Refusal } from '../model/refusal.ts'
import type { Answer } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'
import { createRedactor } from '../upstream/redact.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import { FilteredStream } from './filtered-stream.ts'
import { isFiltered } from './forward.ts'
import type { Answered } from './show-message.ts'
import { showMessage } from './show-message.ts'
import type { Outgoing } from './visit.ts'

/** @throws {Refusal} `upstream_unavailable` for an answer that must not, or cannot, be shown. */
export function filter(answered: Answered, desk: Desk): Outgoing {
  const { answer, permit } = answered
  const { status } = answer
  const { server } = permit
  const redactor = createRedactor(server.credential, () => reportEcho(server.name, desk))
  const shape = shapeOf(answered)
  if (answer.sessionId !== undefined && redactor?.isIn(answer.sessionId) === true) {
    throw unreadable(answer, 'its credential as session id')
  }
  noteSession(answered, desk)
  const headers = headersFor(answered, shape, desk)
  if (shape === 'nothing') {
    if (answer.body.kind === 'stream') answer.body.source.abort(new Error('not shown'))
    return { status, headers, body: { kind: 'whole', bytes: undefined } }
  }
  if (answer.body.kind === 'whole') {
    const bytes = redactor?.whole(answer.body.bytes) ?? answer.body.bytes
    const shown = status < 300 ? show(bytes, answered, desk) : bytes
    return { status, headers, body: { kind: 'whole', bytes: shown } }
  }
  const source = redactor?.source(answer.body.source) ?? answer.body.source
  if (shape === 'json') {
    if (isFiltered(permit.call.method)) throw unreadable(answer, 'list in an unexpected form')
    return { status, headers, body: { kind: 'stream', source, ending: 'cut' } }
  }
  const events = new FilteredStream(source, answered, desk)
  return { status, headers, body: { kind: 'stream', source: events, ending: events.ending } }
}

function show(bytes: Uint8Array, { permit }: Answered, desk: Desk): Uint8Array {
  return isFiltered(permit.call.method) ? showMessage(bytes, permit, desk) : bytes
}

/** What the caller is shown of a body. `nothing`: only the status is. */
type Shape = 'json' | 'events' | 'nothing'

/** Statuses and forms of a server that make sense to its client; the rest is between the server and us. */
function shapeOf({ answer, permit }: Answered): Shape {
  const { status, contentEncoding = 'identity' } = answer
  const type = mediaType(answer.contentType)
  const foreign =
    (status >= 300 && status < 400) || status === 401 || status === 403 || status === 407
  if (foreign) throw unreadable(answer, `status ${status}`)
  if (status >= 500 && type !== 'application/json') throw unreadable(answer, `status ${status}`)
  // We asked for none, and what cannot be read cannot be filtered.
  if (contentEncoding.toLowerCase() !== 'identity') throw unreadable(answer, 'a content coding')
  if (type === 'application/json') return 'json'
  if (type === 'text/event-stream') return 'events'
  const { kind } = permit.call
  const isOwed = status < 300 && (kind === 'request' || kind === 'open_stream')
  if (isOwed) throw unreadable(answer, `content type ${type}`)
  return 'nothing'
}

function unreadable(answer: Answer, detail: string): Refusal {
  const refusal = new Refusal('upstream_unavailable', { detail })
  if (answer.body.kind === 'stream') answer.body.source.abort(refusal)
  return refusal
}

function headersFor(
  { answer, permit, seat }: Answered,
  shape: Shape,
  desk: Desk,
): readonly string[] {
  const headers = ['cache-control', 'no-store']
  if (shape === 'events') {
    headers[1] = 'no-store, no-transform'
    headers.push('content-type', 'text/event-stream', 'x-accel-buffering', 'no')
  } else if (shape === 'json') {
    headers.push('content-type', 'application/json')
  }
  if (answer.sessionId !== undefined && permit.call.era === 'legacy') {
    headers.push('mcp-session-id', answer.sessionId)
  }
  if (answer.retryAfter !== undefined && /^\d{1,9}$/.test(answer.retryAfter)) {
    headers.push('retry-after', answer.retryAfter)
  }
  if (answer.status === 405 && answer.allow !== undefined) {
    headers.push('allow', methodsIn(answer.allow))
  }
  headers.push(...corsHeaders(seat, desk.routes))
  return headers
}

/** The methods of the endpoint that a server says it takes. */
function methodsIn(allow: string): string {
  return ['POST', 'GET', 'DELETE'].filter((method) => allow.includes(method)).join(', ')
}

function noteSession({ answer, permit }: Answered, desk: Desk): void {
  if (answer.status >= 300) return
  const { call, caller, server } = permit
  const about = { server: server.name, callerKind: caller.kind }
  if (call.method === 'initialize' && answer.sessionId !== undefined) {
    desk.emit({ type: 'session_opened', ...about })
  } else if (call.kind === 'end_session') {
    desk.emit({ type: 'session_ended', ...about })
  }
}

function reportEcho(server: string, desk: Desk): void {
  desk.emit({
    type: 'warning',
    what: 'credential_echoed',
    detail: `server ${server} sent its credential back`,
  })
}
