/**
 * Step 4: what one frame asks for. A frame is a message, the opening or ending of a stream, or a request
 * that a server has put into a result.
 */
import type { Call, Direction } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { CallRead, MirroredHeaders } from '../mcp/read-call.ts'
import { endSessionCall, inputCall, openStreamCall, readCall } from '../mcp/read-call.ts'
import type { Malformed } from '../mcp/malformed.ts'
import type { Message } from '../mcp/message.ts'
import { scan } from '../mcp/scan.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { Visit } from './visit.ts'

/** The parts of a visit that judging a frame may read or write. */
export type Seat = Pick<Visit, 'journey' | 'head' | 'session' | 'endpoint' | 'tasks'> & {
  readonly server: McpServer
}

export type Frame = {
  readonly seat: Seat
  readonly direction: Direction
  readonly content:
    | { readonly kind: 'message'; readonly message: Message }
    | { readonly kind: 'input'; readonly method: string }
    | { readonly kind: 'open_stream' }
    | { readonly kind: 'end_session' }
}

/** @throws {Refusal} with the protocol's own code for what is malformed. */
export function readFrame(frame: Frame): Call {
  const read = readContent(frame, mirrored(frame))
  if (!read.ok) throw malformed(read.problem)
  return read.call
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
 * The one frame of a POST body.
 * @throws {Refusal} `parse_error`, `invalid_request`; arrays too: no session here negotiated batches.
 */
export function readMessage(bytes: Uint8Array): Message {
  const scanned = scan(bytes)
  if (!scanned.ok) throw malformed(scanned.problem)
  const [message] = scanned.messages
  if (scanned.batch || message === undefined) {
    throw new Refusal('invalid_request', { message: 'Batches are not supported' })
  }
  return message
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
