import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import { scan } from '../mcp/scan.ts'
import { createSseFramer } from '../mcp/sse.ts'
import type { Answer } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'

/**
 * The bytes of the response to a request in what is held of an answer; on a stream it may stand among
 * other messages. Undefined when it is not there.
 *
 * @param id The JSON-RPC id as its bytes read.
 */
export function responseIn(answer: Answer, id: string): Uint8Array | undefined {
  const { body, contentType } = answer
  const held = body.kind === 'whole' ? body.bytes : answer.heard
  if (held === undefined || mediaType(contentType) !== 'text/event-stream') return held
  return listenFor(id, held.length)(held)
}

/**
 * Returns what finds the response to a request in the chunks of an event stream, given one after the other.
 *
 * @param id The JSON-RPC id as its bytes read.
 * @param maxBytes Of the event that it comes in.
 */
export function listenFor(
  id: string,
  maxBytes: number,
): (chunk: Uint8Array) => Uint8Array | undefined {
  const framer = createSseFramer({ maxEventBytes: maxBytes })
  return (chunk) => {
    for (const item of framer.push(chunk)) {
      if (item.kind !== 'event' || !item.data) continue
      const bytes = Buffer.from(item.data)
      const scanned = scan(bytes, ANSWER_BOUNDS)
      const messages = scanned.ok ? scanned.messages : []
      const own = messages.find((message) => message.kind === 'response' && message.id?.text === id)
      if (own !== undefined) return bytes.subarray(own.span.start, own.span.end)
    }
    return undefined
  }
}
