/**
 * Ids of the requests a legacy server sends its client. They go down sealed and come back with the
 * response, so that an answer to what was never asked, or was asked in another session, is refused on
 * any replica without remembering anything. The only ids the gateway rewrites.
 */
import type { Message, RpcId } from '../mcp/message.ts'
import { type Edit, splice } from '../mcp/edit.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { unaskedEdits } from './acknowledged.ts'
import type { Desk } from './desk.ts'
import { ownerOf } from './handles.ts'
import type { Seat } from './frame.ts'
import { taskEdits } from './show-tasks.ts'

/** How long a client may take to answer, at least; at most it is twice as long. */
const LIFE_MS = 3_600_000

type IdDesk = Pick<Desk, 'seals' | 'now'>

type DownDesk = IdDesk & Pick<Desk, 'tasks' | 'grants'>

/**
 * A message on its way down with the ids of the server's own requests, and those of tasks, sealed, and without
 * what it acknowledges unasked.
 */
export function sealIds(
  own: Uint8Array,
  message: Message,
  { permit, seat, desk }: { readonly permit: Permit; readonly seat: Seat; readonly desk: DownDesk },
): Uint8Array {
  const edits = taskEdits(own, message, { permit, seat, desk })
  edits.push(...unaskedEdits(own, message, permit))
  const id = permit.call.era === 'legacy' ? idOfServer(message) : undefined
  if (id !== undefined) {
    const handle = desk.seals.seal('request', boundTo(permit, seat), `${hourOf(desk)} ${id.text}`)
    const { start } = message.span
    edits.push({ start: id.span.start - start, end: id.span.end - start, text: `"${handle}"` })
  }
  if (edits.length === 0) return own
  return splice(
    own,
    edits.toSorted((one, other) => one.start - other.start),
  )
}

/** The id of a request, or the one a cancellation of such a request names. */
function idOfServer({ kind, id, method, params }: Message): RpcId | undefined {
  if (kind === 'request') return id
  return method === 'notifications/cancelled' ? params?.requestId : undefined
}

/**
 * The edit that puts the server's own id into a client's response again.
 *
 * @throws {Refusal} `invalid_request` when it answers no request of this session.
 */
export function openId(permit: Permit, seat: Seat, desk: IdDesk): Edit {
  const { id, spans } = permit.call
  const text = id === undefined ? undefined : opened(id, permit, seat, desk)
  if (text === undefined || spans.id === undefined) {
    throw new Refusal('invalid_request', { message: 'This answers no request of the server' })
  }
  return { ...spans.id, text }
}

function opened(id: string, permit: Permit, seat: Seat, desk: IdDesk): string | undefined {
  const handle: unknown = JSON.parse(id)
  if (typeof handle !== 'string') return undefined
  const text = desk.seals.open('request', boundTo(permit, seat), handle)
  if (text === undefined) return undefined
  const at = text.indexOf(' ')
  const age = hourOf(desk) - Number(text.slice(0, at))
  return age === 0 || age === 1 ? text.slice(at + 1) : undefined
}

/** A session is its id, or where its messages go over HTTP+SSE. */
function boundTo({ caller, server }: Permit, { session, endpoint }: Seat): readonly string[] {
  return [...ownerOf(caller, server), session?.id ?? endpoint ?? '']
}

function hourOf({ now }: IdDesk): number {
  return Math.floor(now() / LIFE_MS)
}
