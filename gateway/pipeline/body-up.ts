/**
 * What goes up of a frame: the bytes as they came, with the values a gateway stands in for put back. Each
 * is replaced where the scanner found it, and nothing else is touched.
 */
import { cutTexts } from '../mcp/cut-elements.ts'
import { type Edit, splice } from '../mcp/edit.ts'
import type { SpliceName, TargetKind } from '../model/call.ts'
import type { Permit } from '../model/permit.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'
import { openIds } from './request-ids.ts'
import { openState } from './request-state.ts'

/** The lists of `subscriptions/listen` that name targets. */
const LISTENED: readonly (readonly [SpliceName, TargetKind])[] = [
  ['resourceSubscriptions', 'resource'],
  ['taskIds', 'task'],
]

/**
 * A state is opened in every era and for every method: what a server made goes up in no other way.
 *
 * @throws {Refusal} for a handle that is not this caller's, or not for this call.
 */
export function bodyUp(
  body: Uint8Array,
  permit: Permit,
  seat: Seat,
  desk: Pick<Desk, 'seals' | 'now'>,
): Uint8Array {
  const { call, dropped } = permit
  if (call.kind === 'response') return openIds(body, permit, seat, desk)
  if (dropped.length === 0 && call.spans.requestState === undefined) return body
  const edits = [...openState(body, permit, desk), ...withoutDropped(body, permit)]
  return splice(
    body,
    edits.toSorted((one, other) => one.start - other.start),
  )
}

/** A server is asked only for what its caller may follow; its acknowledgement then reports the rest. */
function withoutDropped(
  body: Uint8Array,
  { call: { spans }, dropped }: Pick<Permit, 'call' | 'dropped'>,
): readonly Edit[] {
  return LISTENED.flatMap(([member, kind]) => {
    const span = spans[member]
    const names = dropped.filter((target) => target.kind === kind).map(({ name }) => name)
    return span === undefined || names.length === 0 ? [] : cutTexts(body, span, new Set(names))
  })
}
