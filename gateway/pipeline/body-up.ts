/**
 * What goes up of a frame: the bytes as they came, with the values a gateway stands in for put back. Each
 * is replaced where the scanner found it, and nothing else is touched.
 */
import { cutTexts } from '../mcp/cut-elements.ts'
import { type Edit, splice } from '../mcp/edit.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'
import { openTasks, openTasksInResponse } from './open-tasks.ts'
import { openId } from './request-ids.ts'
import { openState } from './request-state.ts'

type UpDesk = Pick<Desk, 'seals' | 'tasks' | 'now'>

/**
 * A state is opened in every era and for every method: what a server made goes up in no other way.
 *
 * @throws {Refusal} for a handle that is not this caller's, or not for this call.
 */
export function bodyUp(body: Uint8Array, permit: Permit, seat: Seat, desk: UpDesk): Uint8Array {
  const { elements } = permit
  if (elements !== undefined) return arrayUp(body, { permit, elements, seat }, desk)
  const edits = editsFor(body, permit, seat, desk)
  if (edits.length === 0) return body
  const own = spliceAny(body, edits)
  return permit.call.kind === 'response' ? openTasksInResponse(own, permit, desk) : own
}

function editsFor(body: Uint8Array, permit: Permit, seat: Seat, desk: UpDesk): readonly Edit[] {
  const { call, dropped } = permit
  if (call.kind === 'response') return [openId(permit, seat, desk)]
  const tasks = openTasks(body, permit, desk)
  if (call.spans.requestState === undefined && dropped.length === 0) return tasks
  return [...openState(body, permit, desk), ...tasks, ...withoutDropped(body, permit)]
}

type OfArray = {
  readonly permit: Permit
  readonly elements: readonly Permit[]
  readonly seat: Seat
}

/** One whose edits cannot be made refuses the array, as one that is denied does. */
function arrayUp(body: Uint8Array, { permit, elements, seat }: OfArray, desk: UpDesk): Uint8Array {
  const edits: Edit[] = []
  for (const element of elements) {
    try {
      edits.push(...editsFor(body, element, seat, desk))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { id, kind } = element.call
      const each = new Map(id === undefined || kind !== 'request' ? [] : [[id, error]])
      throw new Refusal(error.code, { ...error.extra, message: error.message, each })
    }
  }
  const responds = elements.some(({ call }) => call.kind === 'response')
  const own = spliceAny(body, edits)
  return responds ? openTasksInResponse(own, permit, desk) : own
}

function spliceAny(body: Uint8Array, edits: readonly Edit[]): Uint8Array {
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
