/**
 * Step 9: what of the answer this caller may see. JSON is one response to each of the caller's requests or
 * is not shown, lists lose what policy hides, streams are read frame by frame, and nothing of a server that
 * concerns only its own clients comes through: no redirects, no challenges, no cookies, no error pages
 * (R-RESP).
 */
import type { Asking } from '../mcp/capabilities.ts'
import { Refusal } from '../model/refusal.ts'
import type { Answer, Source } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'
import type { Redactor } from '../upstream/redact.ts'
import { createRedactor } from '../upstream/redact.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import { sealSession } from './handles.ts'
import { negotiatedVersion } from './negotiation.ts'
import { FilteredStream } from './filtered-stream.ts'
import { judgeInputs, showInputs } from './judge-inputs.ts'
import { showBatch } from './show-batch.ts'
import type { Answered } from './show-message.ts'
import { showMessage } from './show-message.ts'
import { showSide } from './show-side.ts'
import type { Outgoing } from './visit.ts'
import { WatchedAnswer } from './watched-answer.ts'

/**
 * At once, but for a whole result that asks its client for something, which is judged first.
 *
 * @throws {Refusal} (or rejects with) `upstream_unavailable` for an answer that cannot be shown,
 *   `policy_denied` for one that must not be.
 */
export function filter(answered: Answered, desk: Desk): Outgoing | Promise<Outgoing> {
  const { answer, permit, seat } = answered
  const { server } = permit
  if (seat.side !== undefined) return showSide(answered, seat.side, desk)
  const redactor = createRedactor(seat.injected?.[1], () => reportEcho(server.name, desk))
  if (answer.sessionId !== undefined && redactor?.isIn(answer.sessionId) === true) {
    throw unreadable(answer, 'its credential as session id')
  }
  const { shape, body, inputs } = show(answered, redactor, desk)
  noteSession(answered, desk)
  const outgoing = { status: answer.status, headers: headersFor(answered, shape, desk), body }
  return inputs === undefined ? outgoing : judgeInputs(inputs, answered, desk).then(() => outgoing)
}

/** What the caller is shown of a body. `nothing`: only the status is. */
type Shape = 'json' | 'events' | 'nothing'

type Shown = {
  readonly shape: Shape
  readonly body: Outgoing['body']
  /** What must be judged before it is shown, see `FilteredAnswer`. */
  readonly inputs: readonly Asking[] | undefined
}

const NOTHING: Shown = {
  shape: 'nothing',
  body: { kind: 'whole', bytes: undefined },
  inputs: undefined,
}

function show(answered: Answered, redactor: Redactor | undefined, desk: Desk): Shown {
  const { answer, permit } = answered
  const shape = shapeOf(answered)
  if (shape === 'nothing') {
    if (answer.body.kind === 'stream') answer.body.source.abort(new Error('not shown'))
    return NOTHING
  }
  // Only requests have answers in JSON, and they have an id; nothing answers an empty one.
  const { id = '' } = permit.call
  if (answer.body.kind === 'whole') {
    const bytes = redactor?.whole(answer.body.bytes) ?? answer.body.bytes
    const shown =
      permit.elements === undefined
        ? showMessage({ bytes, id, permit, seat: answered.seat, answers: 'this_call' }, desk)
        : showBatch(bytes, answered, desk)
    if (shown.ok) {
      return { shape, body: { kind: 'whole', bytes: shown.bytes }, inputs: shown.inputs }
    }
    // An error page of the server's framework: the status says all that its client must know.
    if (answer.status >= 400 && answer.status < 500) return NOTHING
    throw unreadable(answer, shown.problem.message)
  }
  const source = redactor?.source(answer.body.source) ?? answer.body.source
  if (shape === 'json') {
    return {
      shape,
      body: { kind: 'stream', source: watch(source, answered, desk), ending: 'cut' },
      inputs: undefined,
    }
  }
  const events = new FilteredStream(source, answered, desk)
  return {
    shape,
    body: { kind: 'stream', source: events, ending: events.ending },
    inputs: undefined,
  }
}

function watch(source: Source, answered: Answered, desk: Desk): Source {
  const { permit, seat } = answered
  const { id = '', era } = permit.call
  const showRound = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const shown = showMessage({ bytes, id, permit, seat, answers: 'this_call' }, desk)
    if (!shown.ok) throw unreadable(answered.answer, shown.problem.message)
    const { inputs = [] } = shown
    return await showInputs({ bytes: shown.bytes, inputs }, answered, desk)
  }
  return new WatchedAnswer(source, { id, era, show: showRound })
}

/** Statuses and forms of a server that make sense to its client; the rest is between the server and us. */
function shapeOf({ answer, permit, seat }: Answered): Shape {
  const { status, contentEncoding = 'identity' } = answer
  const type = mediaType(answer.contentType)
  const foreign =
    (status >= 300 && status < 400) || status === 401 || status === 403 || status === 407
  if (foreign) throw unreadable(answer, `status ${status}`)
  if (status >= 500 && type !== 'application/json') throw unreadable(answer, `status ${status}`)
  // We asked for none, and what cannot be read cannot be filtered.
  if (contentEncoding.toLowerCase() !== 'identity') throw unreadable(answer, 'a content coding')
  const { kind } = permit.call
  // HTTP+SSE: a POST has a receipt, and what it asks for comes on the stream.
  if (seat.endpoint !== undefined && kind !== 'open_stream') return 'nothing'
  if (type === 'text/event-stream') return 'events'
  // Nothing else is answered in JSON: a stream is a stream, and a receipt is empty.
  if (type === 'application/json' && kind === 'request') return 'json'
  const isOwed = status < 300 && (kind === 'request' || kind === 'open_stream')
  // The type itself is in the server's words, which may be anything.
  if (isOwed) throw unreadable(answer, 'an unexpected content type')
  return 'nothing'
}

function unreadable(answer: Answer, detail: string): Refusal {
  const refusal = new Refusal('upstream_unavailable', { detail })
  if (answer.body.kind === 'stream') answer.body.source.abort(refusal)
  return refusal
}

function headersFor(answered: Answered, shape: Shape, desk: Desk): readonly string[] {
  const { answer, seat } = answered
  const headers = ['cache-control', 'no-store']
  if (shape === 'events') {
    headers[1] = 'no-store, no-transform'
    headers.push('content-type', 'text/event-stream', 'x-accel-buffering', 'no')
  } else if (shape === 'json') {
    headers.push('content-type', 'application/json')
  }
  const handle = sessionHandle(answered, desk)
  if (handle !== undefined) headers.push('mcp-session-id', handle)
  if (answer.retryAfter !== undefined && /^\d{1,9}$/.test(answer.retryAfter)) {
    headers.push('retry-after', answer.retryAfter)
  }
  if (answer.status === 405 && answer.allow !== undefined) {
    headers.push('allow', methodsIn(answer.allow))
  }
  headers.push(...corsHeaders(seat, desk.routes))
  return headers
}

/** What the client is told of the session: a new handle where one was opened, else the one it sent. */
function sessionHandle({ answer, permit, seat }: Answered, desk: Desk): string | undefined {
  const { sessionId: id } = answer
  if (id === undefined || permit.call.era !== 'legacy') return undefined
  if (permit.call.method !== 'initialize') {
    return id === seat.session?.id ? seat.session.handle : undefined
  }
  const version = negotiatedVersion(answer, permit.call)
  const declared = seat.declared ?? []
  return sealSession({ id, version, declared }, { ...permit, seals: desk.seals })
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

/** Says that a server has sent back what it was sent as its credential. */
export function reportEcho(server: string, desk: Pick<Desk, 'emit'>): void {
  desk.emit({
    type: 'warning',
    what: 'credential_echoed',
    detail: `server ${server} sent its credential back`,
  })
}
