/**
 * Which response answers which request of an array of messages: what a server sends back is shown
 * response by response, each by the permit of its own request and once.
 */
import { ANSWER_BOUNDS } from '../mcp/bounds.ts'
import type { Malformed } from '../mcp/malformed.ts'
import type { RpcId } from '../mcp/message.ts'
import { sameId } from '../mcp/read-id.ts'
import { scan } from '../mcp/scan.ts'
import type { Permit } from '../model/permit.ts'
import type { Showing } from './show-message.ts'
import { showMessage } from './show-message.ts'

/** The requests of a permit; none of them has had a response yet. */
export function owedTo(permit: Permit): Permit[] {
  const { call, elements = [permit] } = permit
  return call.kind === 'request' ? elements.filter((own) => own.call.kind === 'request') : []
}

/** Takes the request with this id out of those that wait for a response; undefined when none has it. */
export function takeOwed(owed: Permit[], id: RpcId | undefined): Permit | undefined {
  if (id === undefined) return undefined
  const at = owed.findIndex(({ call }) => call.id !== undefined && sameId(call.id, id.text))
  return at === -1 ? undefined : owed.splice(at, 1)[0]
}

export type ShownBatch =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly inputs: undefined }
  | { readonly ok: false; readonly problem: Malformed }

/**
 * The answer to an array, in JSON: an array of responses, or one alone, without what policy hides and
 * without whatever answers none of its requests. Refused when nothing is left, or when a response
 * cannot be read.
 */
export function showBatch(
  bytes: Uint8Array,
  { permit, seat }: Pick<Showing, 'permit' | 'seat'>,
  desk: Parameters<typeof showMessage>[1],
): ShownBatch {
  const scanned = scan(bytes, ANSWER_BOUNDS)
  if (!scanned.ok) return scanned
  const owed = owedTo(permit)
  const parts: Uint8Array[] = []
  for (const { kind, id, span } of scanned.messages) {
    const asked = kind === 'response' ? takeOwed(owed, id) : undefined
    if (asked === undefined) continue
    const own = bytes.subarray(span.start, span.end)
    const { id: askedId } = asked.call
    const showing = { bytes: own, id: askedId, permit: asked, seat, answers: 'this_call' } as const
    const shown = showMessage(showing, desk)
    if (!shown.ok) return shown
    if (parts.length > 0) parts.push(COMMA)
    parts.push(shown.bytes)
  }
  if (parts.length === 0) {
    const message = 'No response answers a request of the batch'
    return { ok: false, problem: { code: 'invalid_request', message } }
  }
  const shown = Buffer.concat(scanned.batch ? [OPEN, ...parts, CLOSE] : parts)
  return { ok: true, bytes: shown, inputs: undefined }
}

const OPEN = Buffer.from('[')
const COMMA = Buffer.from(',')
const CLOSE = Buffer.from(']')
