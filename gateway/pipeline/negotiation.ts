/** What the answer to a legacy `initialize` agrees on, which the handle of its session has to say. */
import { SUPPORTED_VERSIONS } from '../mcp/versions.ts'
import type { Call } from '../model/call.ts'
import type { Answer } from '../upstream/answer.ts'
import { mediaType } from '../upstream/answer.ts'
import { MAX_PEEKED_BYTES, Peeked } from '../upstream/peeked.ts'
import { memberOf } from './member-of.ts'
import { listenFor, responseIn } from './response-in.ts'

/**
 * An answer on an event stream is read ahead to its response: the head, which goes on first, needs the
 * version. The stream may stay open after it.
 */
export async function hearOut(answer: Answer, { id = '' }: Pick<Call, 'id'>): Promise<Answer> {
  const { body, contentType } = answer
  if (body.kind !== 'stream' || mediaType(contentType) !== 'text/event-stream') return answer
  const find = listenFor(id, MAX_PEEKED_BYTES)
  const peeked = new Peeked(body.source, (chunk) => find(chunk) !== undefined)
  await peeked.known
  return { ...answer, heard: peeked.heard, body: { kind: 'stream', source: peeked } }
}

/** The version in the answer to `initialize`; empty where there is none to read. */
export function negotiatedVersion(answer: Answer, { id = '' }: Call): string {
  const response = responseIn(answer, id)
  if (response === undefined) return ''
  try {
    const parsed: unknown = JSON.parse(Buffer.from(response).toString('utf8'))
    const version = memberOf(memberOf(parsed, 'result'), 'protocolVersion')
    return SUPPORTED_VERSIONS.find((known) => known === version) ?? ''
  } catch {
    return ''
  }
}
