/**
 * Step 9: what of the answer this caller may see. Lists lose what policy hides, streams are read
 * frame by frame, and nothing of a server that concerns only its own clients comes through: no
 * redirects, no challenges, no cookies, no error pages (R-RESP).
 */
import { Refusal } from '../model/refusal.ts'
import type { Answer, Source } from '../upstream/answer.ts'
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
  const type = mediaType(answer.contentType)
  checkStatus(answer, type)
  noteSession(answered, desk)
  const headers = headersFor(answered, desk)
  if (answer.body.kind === 'stream') {
    if (type !== 'text/event-stream' && isFiltered(permit.call.method)) {
      throw unreadable(answer, 'list in an unexpected form')
    }
    const source = redactStream(answered, answer.body.source, desk)
    const { status } = answer
    if (type !== 'text/event-stream') {
      return { status, headers, body: { kind: 'stream', source, farewell: undefined } }
    }
    const events = new FilteredStream(source, answered, desk)
    return { status, headers, body: { kind: 'stream', source: events, farewell: events.farewell } }
  }
  const bytes = redactWhole(answered, answer.body.bytes, desk)
  const shown =
    type === 'application/json' && answer.status < 300 ? show(bytes, answered, desk) : bytes
  return { status: answer.status, headers, body: { kind: 'whole', bytes: shown } }
}

function show(bytes: Uint8Array, { permit }: Answered, desk: Desk): Uint8Array {
  return isFiltered(permit.call.method) ? showMessage(bytes, permit, desk) : bytes
}

/** Statuses of a server that make sense to its client; the rest is between the server and us. */
function checkStatus(answer: Answer, type: string): void {
  const { status } = answer
  const foreign =
    (status >= 300 && status < 400) || status === 401 || status === 403 || status === 407
  if (foreign) throw unreadable(answer, `status ${status}`)
  if (status >= 500 && type !== 'application/json') throw unreadable(answer, `status ${status}`)
  if (
    status === 200 &&
    type !== 'application/json' &&
    type !== 'text/event-stream' &&
    type !== ''
  ) {
    throw unreadable(answer, `content type ${type}`)
  }
}

function unreadable(answer: Answer, detail: string): Refusal {
  const refusal = new Refusal('upstream_unavailable', { detail })
  if (answer.body.kind === 'stream') answer.body.source.abort(refusal)
  return refusal
}

function headersFor({ answer, permit, seat }: Answered, desk: Desk): readonly string[] {
  const headers = ['cache-control', 'no-store']
  const type = mediaType(answer.contentType)
  if (type === 'text/event-stream') {
    headers[1] = 'no-store, no-transform'
    headers.push('content-type', type, 'x-accel-buffering', 'no')
  } else if (type === 'application/json') {
    headers.push('content-type', type)
  } else if (type !== '') {
    headers.push('content-type', 'text/plain; charset=utf-8', 'x-content-type-options', 'nosniff')
  }
  if (answer.sessionId !== undefined && permit.call.era === 'legacy') {
    headers.push('mcp-session-id', answer.sessionId)
  }
  if (answer.retryAfter !== undefined && /^\d{1,9}$/.test(answer.retryAfter)) {
    headers.push('retry-after', answer.retryAfter)
  }
  if (answer.status === 405 && answer.allow !== undefined) headers.push('allow', answer.allow)
  headers.push(...corsHeaders(seat, desk.routes))
  return headers
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

function redactStream({ permit }: Answered, source: Source, desk: Desk): Source {
  const { server } = permit
  const redactor = createRedactor(server.credential, () => reportEcho(server.name, desk))
  return redactor === undefined ? source : redactor.source(source)
}

function redactWhole({ permit }: Answered, bytes: Uint8Array, desk: Desk): Uint8Array {
  const { server } = permit
  const redactor = createRedactor(server.credential, () => reportEcho(server.name, desk))
  return redactor === undefined ? bytes : redactor.whole(bytes)
}

function reportEcho(server: string, desk: Desk): void {
  desk.emit({
    type: 'warning',
    what: 'credential_echoed',
    detail: `server ${server} sent its credential back`,
  })
}
