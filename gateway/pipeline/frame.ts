/**
 * Step 4: what one frame asks for. A frame is a message, the opening or ending of a stream, or a request
 * that a server has put into a result; the messages of an array are frames of their own.
 */
import type { Call, Direction } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { CallRead, MirroredHeaders } from '../mcp/read-call.ts'
import { endSessionCall, inputCall, openStreamCall, readCall } from '../mcp/read-call.ts'
import type { Asking } from '../mcp/capabilities.ts'
import type { Malformed } from '../mcp/malformed.ts'
import type { Message } from '../mcp/message.ts'
import type { Scan } from '../mcp/scan.ts'
import { scan } from '../mcp/scan.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import { checkEra, type KnownEras, supportedBy } from './check-era.ts'
import { sideFrame } from './side-frame.ts'
import type { Seated, Visit } from './visit.ts'

/** The parts of a visit that judging a frame may read or write. */
export type Seat = Pick<
  Visit,
  | 'journey'
  | 'head'
  | 'session'
  | 'endpoint'
  | 'tasks'
  | 'injected'
  | 'found'
  | 'batch'
  | 'declared'
> & {
  readonly server: McpServer
}

export type Frame = {
  readonly seat: Seat
  readonly direction: Direction
  readonly content:
    | { readonly kind: 'message'; readonly message: Message }
    | ({ readonly kind: 'input' } & Asking)
    | { readonly kind: 'open_stream' }
    | { readonly kind: 'end_session' }
    | { readonly kind: 'side'; readonly call: Call }
}

/** An array of messages of a caller, at least one. */
export type Batch = { readonly seat: Seat; readonly messages: readonly Message[] }

/** The one revision that has arrays (MCP 2025-03-26, transports). */
const BATCH_VERSION = '2025-03-26'

/**
 * @throws {Refusal} with the protocol's own code for what is malformed, or of an era that its server is
 *   known not to speak.
 */
export function readFrame(frame: Frame, known: KnownEras): Call {
  const read = readContent(frame, mirrored(frame))
  const { server } = frame.seat
  if (!read.ok) throw malformed(named(read.problem, server, known))
  checkEra(read.call, server, known)
  return read.call
}

/** A version that nobody serves here is answered with those of the server it was meant for. */
function named(problem: Malformed, server: McpServer, known: KnownEras): Malformed {
  if (problem.code !== 'unsupported_version') return problem
  return { ...problem, data: { ...problem.data, supported: supportedBy(server, known) } }
}

/**
 * The headers that speak of the message; of what comes down only the version is known, which is that of
 * the exchange. Where a request names none, the one its session negotiated is in force.
 */
function mirrored({ direction, seat: { head, session } }: Frame): MirroredHeaders {
  const protocolVersion = head?.protocolVersion ?? (session?.version || undefined)
  return direction === 'down'
    ? { protocolVersion }
    : { protocolVersion, method: head?.method, name: head?.name }
}

function readContent({ seat, direction, content }: Frame, headers: MirroredHeaders): CallRead {
  switch (content.kind) {
    case 'open_stream':
      refuseModern(headers)
      return openStreamCall(headers)
    case 'end_session':
      refuseModern(headers)
      return endSessionCall(headers)
    case 'input':
      return inputCall(content.method, headers)
    case 'side':
      return { ok: true, call: content.call }
    case 'message': {
      const extraMethods = seat.server.methods
      return readCall({ message: content.message, direction, headers, extraMethods })
    }
  }
}

/** The modern revisions know POST only; a client that tries GET takes 405 for an answer and any other error for a failure. */
function refuseModern({ protocolVersion }: MirroredHeaders): void {
  if (protocolVersion !== undefined && MODERN_VERSIONS.includes(protocolVersion)) {
    throw new Refusal('method_not_allowed')
  }
}

/**
 * What a visit asks for.
 *
 * @param body Undefined where there is none that belongs to it, see `hasBody`.
 * @throws {Refusal} `method_not_allowed`, `bad_target`, and what `readBody` throws.
 */
export function frameOf(seat: Seated, body: Uint8Array | undefined): Frame | Batch {
  const { httpMethod, side } = seat
  if (side !== undefined) return sideFrame(seat, side)
  if (body !== undefined) return readBody(body, seat)
  if (httpMethod === 'GET') return { seat, direction: 'up', content: { kind: 'open_stream' } }
  if (httpMethod === 'DELETE') return { seat, direction: 'up', content: { kind: 'end_session' } }
  throw new Refusal('method_not_allowed')
}

/**
 * What a POST body holds.
 *
 * @throws {Refusal} `parse_error`, `invalid_request`; the latter for an array too, unless the session of
 *   the visit negotiated the revision that has them.
 */
export function readBody(bytes: Uint8Array, seat: Seat): Frame | Batch {
  const { messages, batch } = scanned(bytes)
  const [message] = messages
  if (batch || message === undefined) return readBatch(messages, seat)
  return { seat, direction: 'up', content: { kind: 'message', message } }
}

/**
 * The one message of a frame that cannot be an array, as those of a WebSocket.
 *
 * @throws {Refusal} `parse_error`, `invalid_request`.
 */
export function readMessage(bytes: Uint8Array): Message {
  const { messages, batch } = scanned(bytes)
  const [message] = messages
  if (batch || message === undefined) throw invalid('Batches are not supported here')
  return message
}

function scanned(bytes: Uint8Array): Extract<Scan, { ok: true }> {
  const read = scan(bytes)
  if (!read.ok) throw malformed(read.problem)
  return read
}

function readBatch(messages: readonly Message[], seat: Seat): Batch {
  const { head, session } = seat
  const named = head?.protocolVersion ?? BATCH_VERSION
  if (session?.version !== BATCH_VERSION || named !== BATCH_VERSION) {
    throw invalid(`Batches are only for sessions of revision ${BATCH_VERSION}`)
  }
  const ids = new Set<string | number>()
  for (const { kind, id, method } of messages) {
    if (method === 'initialize') throw invalid('initialize must not be in a batch')
    if (kind !== 'request' || id === undefined) continue
    // A response could not be told to which of the two it belongs.
    if (ids.has(id.value)) throw invalid('Two requests of a batch have the same id')
    ids.add(id.value)
  }
  return { seat, messages }
}

function invalid(message: string): Refusal {
  return new Refusal('invalid_request', { message })
}

function malformed(problem: Malformed): Refusal {
  const { code, message, id, data } = problem
  return new Refusal(code, {
    message,
    detail: message,
    ...(id === undefined ? {} : { id }),
    ...(data === undefined ? {} : { data }),
  })
}
