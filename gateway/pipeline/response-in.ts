import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import { scan } from '../mcp/scan.ts'
import { createSseFramer } from '../mcp/sse.ts'
import type { Answer } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'

/**
 * The bytes of the response to a request in an answer that is held whole; on a stream it may stand among
 * other messages. Undefined when it is not there.
 *
 * @param id The JSON-RPC id as its bytes read.
 */
export function responseIn({ body, contentType }: Answer, id: string): Uint8Array | undefined {
  if (body.kind !== 'whole') return undefined
  if (mediaType(contentType) !== 'text/event-stream') return body.bytes
  for (const item of createSseFramer({ maxEventBytes: body.bytes.length }).push(body.bytes)) {
    if (item.kind !== 'event' || !item.data) continue
    const bytes = Buffer.from(item.data)
    const scanned = scan(bytes, ANSWER_BOUNDS)
    const messages = scanned.ok ? scanned.messages : []
    const own = messages.find((message) => message.kind === 'response' && message.id?.text === id)
    if (own !== undefined) return bytes.subarray(own.span.start, own.span.end)
  }
  return undefined
}
