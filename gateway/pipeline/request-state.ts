/**
 * What a server of the modern era has its client keep between the rounds of a call (`requestState`, MCP
 * 2026-07-28, "Multi Round-Trip Requests"). It goes down sealed and comes back with the retry, so that
 * it works for the caller, server, method and target it was made for, on any replica, and for an hour.
 */
import { cutMembers } from '../mcp/cut-members.ts'
import type { Edit } from '../mcp/edit.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { Desk } from './desk.ts'
import { ownerOf } from './handles.ts'

/** How long a person may take to answer. */
const LIFE_MS = 3_600_000

/**
 * Longest state that is taken from a server, in bytes of its JSON. Sealed it is a third longer, and has
 * to fit into the body of the retry and into what `seal` opens.
 */
const MAX_STATE_BYTES = 262_144

/** Whom and what a state is for. */
type Bound = Pick<Permit, 'caller' | 'server' | 'call'>

type StateDesk = Pick<Desk, 'seals' | 'now'>

/**
 * A handle in place of a server's state; undefined for one that is too long.
 *
 * @param state The JSON string as its bytes read, so that the server gets back what it wrote.
 */
export function sealState(
  state: string,
  permit: Permit,
  { seals, now }: StateDesk,
): string | undefined {
  if (Buffer.byteLength(state) > MAX_STATE_BYTES) return undefined
  return seals.seal('state', boundTo(permit), `${now() + LIFE_MS} ${state}`)
}

/** What stands in place of a server's state in a round of our own: no JSON, which that is. */
const OWN = 'own'

/** The state of a round of our own, which no server ever sees: it says that the retry answers us. */
export function sealOwnState(bound: Bound, { seals, now }: StateDesk): string {
  return seals.seal('state', boundTo(bound), `${now() + LIFE_MS} ${OWN}`)
}

/**
 * The edit that puts the server's own state into a retry, or those that take out what answers a round of
 * our own; none for a call without one.
 *
 * @throws {Refusal} `state_unknown` for a handle that was not made for this caller and call, or is too old.
 */
export function openState(body: Uint8Array, permit: Permit, desk: StateDesk): readonly Edit[] {
  const span = permit.call.spans.requestState
  if (span === undefined) return []
  const { buffer, byteOffset } = body
  const written = Buffer.from(buffer, byteOffset + span.start, span.end - span.start)
  const text = openHandle(JSON.parse(written.toString('utf8')), permit, desk)
  if (text === undefined) throw new Refusal('state_unknown')
  if (text !== OWN) return [{ ...span, text }]
  const { inputResponses } = permit.call.spans
  return cutMembers(body, inputResponses === undefined ? [span] : [span, inputResponses])
}

function openHandle(handle: unknown, permit: Permit, desk: StateDesk): string | undefined {
  if (typeof handle !== 'string') return undefined
  const text = desk.seals.open('state', boundTo(permit), handle)
  if (text === undefined) return undefined
  const at = text.indexOf(' ')
  return desk.now() < Number(text.slice(0, at)) ? text.slice(at + 1) : undefined
}

/** What is bound is hashed into the handle and not held in it, so the target needs no digest of its own. */
function boundTo({ caller, server, call: { method, targets } }: Bound): readonly string[] {
  return [...ownerOf(caller, server), method, ...targets.flatMap(({ kind, name }) => [kind, name])]
}
