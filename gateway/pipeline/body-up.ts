/**
 * What goes up of a frame: the bytes as they came, with the values a gateway stands in for put back. Each
 * is replaced where the scanner found it, and nothing else is touched.
 */
import { cutTexts } from '../mcp/cut-elements.ts'
import { type Edit, splice } from '../mcp/edit.ts'
import type { Permit } from '../model/permit.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'
import { openTasks, openTasksInResponse } from './open-tasks.ts'
import { openIds } from './request-ids.ts'
import { openState } from './request-state.ts'

/**
 * A state is opened in every era and for every method: what a server made goes up in no other way.
 *
 * @throws {Refusal} for a handle that is not this caller's, or not for this call.
 */
export function bodyUp(
  body: Uint8Array,
  permit: Permit,
  seat: Seat,
  desk: Pick<Desk, 'seals' | 'tasks' | 'now'>,
): Uint8Array {
  const { call, dropped } = permit
  if (call.kind === 'response') {
    return openTasksInResponse(openIds(body, permit, seat, desk), permit, desk)
  }
  const tasks = openTasks(body, permit, desk)
  const isAsItCame = tasks.length === 0 && call.spans.requestState === undefined
  if (isAsItCame && dropped.length === 0) return body
  const edits = [...openState(body, permit, desk), ...tasks, ...withoutDropped(body, permit)]
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
  const span = spans.resourceSubscriptions
  const names = dropped.filter(({ kind }) => kind === 'resource').map(({ name }) => name)
  return span === undefined || names.length === 0 ? [] : cutTexts(body, span, new Set(names))
}
