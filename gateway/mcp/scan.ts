import { type Bounds, FRAME_BOUNDS } from './bounds.ts'
import { createCursor, type Cursor } from './json-cursor.ts'
import { atEnd, enterArray, nextElement, nextKind } from './json-value.ts'
import type { Malformed } from './malformed.ts'
import type { Message } from './message.ts'
import { readMessage } from './read-message.ts'

/** Messages in one array. Each is judged and recorded on its own, so they must not be a flood. */
const MAX_BATCH = 100

/** The messages of one frame, or why it is refused as a whole. */
export type Scan =
  | {
      readonly ok: true
      /** Whether the frame is an array; whether arrays are allowed is for the caller to know. */
      readonly batch: boolean
      readonly messages: readonly Message[]
    }
  | { readonly ok: false; readonly problem: Malformed }

/**
 * Reads one frame: a JSON-RPC message or an array of them, in one pass over its bytes. What it accepts
 * reads the same in every JSON parser we know of, however it treats duplicate members, case, Unicode or
 * trailing text; so its bytes can be forwarded as they are.
 *
 * Refuses with `parse_error` what is not one JSON document as `json-value.ts` demands, else with
 * `invalid_request` or `invalid_params` the first message that is not JSON-RPC 2.0 as MCP narrows it.
 */
export function scan(bytes: Uint8Array, bounds: Bounds = FRAME_BOUNDS): Scan {
  const cursor = createCursor(bytes, bounds)
  if (cursor.problem !== undefined) return parseError(cursor)
  return nextKind(cursor) === 'array' ? scanBatch(cursor) : scanOne(cursor)
}

function scanOne(cursor: Cursor): Scan {
  const read = readMessage(cursor)
  if (read === undefined || !atEnd(cursor)) return parseError(cursor)
  return read.ok ? { ok: true, batch: false, messages: [read.message] } : read
}

/** An element that is no message refuses the rest unread: it cannot become better. */
function scanBatch(cursor: Cursor): Scan {
  const messages: Message[] = []
  enterArray(cursor)
  while (nextElement(cursor)) {
    const read = readMessage(cursor)
    if (read === undefined) return parseError(cursor)
    if (!read.ok) return read
    messages.push(read.message)
    if (messages.length > MAX_BATCH) return invalid('A batch has too many messages')
  }
  if (!atEnd(cursor)) return parseError(cursor)
  if (messages.length === 0) return invalid('A batch must not be empty')
  return { ok: true, batch: true, messages }
}

function invalid(message: string): Scan {
  return { ok: false, problem: { code: 'invalid_request', message } }
}

function parseError(cursor: Cursor): Scan {
  return { ok: false, problem: { code: 'parse_error', message: cursor.problem ?? 'Parse error' } }
}
