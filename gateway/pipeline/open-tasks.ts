/** Handles of tasks on their way up: the server reads its own ids. */
import { type Edit, splice } from '../mcp/edit.ts'
import { META_RELATED_TASK } from '../mcp/protocol-members.ts'
import { renameTasks } from '../mcp/task-ids.ts'
import type { Span } from '../model/call.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { Desk } from './desk.ts'
import { unknownName } from './unknown-name.ts'

type TaskDesk = Pick<Desk, 'tasks'>

/** A permitted frame with the server's own task ids, where nothing else is put back. */
export function withOwnTasks(body: Uint8Array, permit: Permit, desk: TaskDesk): Uint8Array {
  if (permit.call.kind === 'response') return openTasksInResponse(body, permit, desk)
  const edits = openTasks(body, permit, desk)
  if (edits.length === 0) return body
  return splice(
    body,
    edits.toSorted((one, other) => one.start - other.start),
  )
}

const NO_EDITS: readonly Edit[] = []

/**
 * The edits that put the server's own task ids into a permitted request or notification, in no order; most
 * need none. Of a subscription, tasks that were dropped go.
 *
 * @throws {Refusal} `unknown_name` for a related task that is not this caller's.
 */
export function openTasks(body: Uint8Array, permit: Permit, desk: TaskDesk): readonly Edit[] {
  const { call, dropped } = permit
  const { taskId, taskIds, relatedTask } = call.spans
  if (taskId === undefined && taskIds === undefined && relatedTask === undefined) return NO_EDITS
  const edits: Edit[] = []
  if (relatedTask !== undefined) edits.push({ ...relatedTask, text: related(body, relatedTask) })
  const ids = call.targets.flatMap((target) =>
    target.task === undefined || dropped.includes(target) ? [] : [JSON.stringify(target.task.id)],
  )
  if (call.method === 'subscriptions/listen') {
    if (taskIds !== undefined) edits.push({ ...taskIds, text: `[${ids.join(',')}]` })
  } else if (taskId !== undefined && ids[0] !== undefined) edits.push({ ...taskId, text: ids[0] })
  return edits

  function related(bytes: Uint8Array, { start, end }: Span): string {
    const handle: unknown = JSON.parse(Buffer.from(bytes.subarray(start, end)).toString('utf8'))
    const task = desk.tasks.open(String(handle), permit.caller, permit.server)
    if (task === undefined) throw unknownName(call, { kind: 'task', name: '' })
    return JSON.stringify(task.id)
  }
}

/**
 * A client's response, or an array with responses in it, with the server's own ids of the tasks that
 * they say they belong to.
 *
 * @throws {Refusal} `invalid_request` for a task that is not this caller's.
 */
export function openTasksInResponse(
  body: Uint8Array,
  { caller, server, elements }: Permit,
  { tasks }: TaskDesk,
): Uint8Array {
  const { buffer, byteOffset, byteLength } = body
  if (!Buffer.from(buffer, byteOffset, byteLength).includes(META_RELATED_TASK)) return body
  return renameTasks(body, (id, place) => {
    if (place !== 'related') return id
    const task = tasks.open(id, caller, server)
    if (task === undefined) {
      const each = elements === undefined ? {} : { each: new Map() }
      throw new Refusal('invalid_request', { message: 'Unknown task', ...each })
    }
    return task.id
  })
}
