/** Ids of tasks on their way down: the caller knows its tasks by handles, and hears of no others. */
import { type Edit, splice } from '../mcp/edit.ts'
import type { Message } from '../mcp/message.ts'
import { renameTasks, type TaskPlace } from '../mcp/task-ids.ts'
import type { Span } from '../model/call.ts'
import type { Permit } from '../model/permit.ts'
import { isVisible } from '../policy/visible.ts'
import type { Desk } from './desk.ts'
import { endWithTasks } from './end-with-task.ts'
import type { Seat } from './frame.ts'
import { occasionOn } from './occasion-on.ts'
import type { Showing } from './show-message.ts'
import type { KnownTask } from './tasks.ts'

/** A response with its task ids sealed, and without listed tasks that are not known as this caller's. */
export function showTasks(
  bytes: Uint8Array,
  showing: Showing,
  desk: Pick<Desk, 'rules' | 'facts' | 'tasks' | 'now'>,
): Uint8Array {
  return renameTasks(bytes, (id, place) => shown(id, place, showing, desk))
}

function shown(
  id: string,
  place: TaskPlace,
  showing: Showing,
  desk: Pick<Desk, 'rules' | 'facts' | 'tasks' | 'now'>,
): string | undefined {
  const { permit, seat } = showing
  const { rules, tasks } = desk
  if (place !== 'list') {
    return (made(id, place, showing, tasks) ?? taskOf(id, { permit, seat, tasks })).handle
  }
  const task = find(id, { permit, seat, tasks })
  if (task === undefined) return undefined
  const tool = { kind: 'tool', name: task.tool } as const
  return isVisible(rules, permit.caller, tool, occasionOn(showing, desk)) ? task.handle : undefined
}

/** The task that the permitted call has just made; undefined when this is not about one. */
function made(
  id: string,
  place: TaskPlace,
  { permit, answers }: Showing,
  tasks: Desk['tasks'],
): KnownTask | undefined {
  const { call, caller, server } = permit
  if (place !== 'result' || answers !== 'this_call' || call.method !== 'tools/call')
    return undefined
  return tasks.seal({ id, tool: call.targets[0]?.name ?? '' }, caller, server)
}

type Context = {
  readonly permit: Pick<Permit, 'caller' | 'server'>
  readonly seat: Seat
  readonly tasks: Desk['tasks']
}

/** One that cannot be told to be this caller's gets a handle that opens on the way up, and nothing more. */
function taskOf(id: string, context: Context): KnownTask {
  const { permit, tasks } = context
  return find(id, context) ?? tasks.seal({ id, tool: '' }, permit.caller, permit.server)
}

function find(id: string, { permit, seat, tasks }: Context): KnownTask | undefined {
  return seat.tasks?.get(id) ?? tasks.recall(id, permit.caller, permit.server)
}

type Telling = Omit<Context, 'tasks'> & { readonly desk: Pick<Desk, 'tasks' | 'grants'> }

/** A server's request or notification with its task ids sealed; see `taskEdits`. */
export function sealTasks(own: Uint8Array, message: Message, telling: Telling): Uint8Array {
  const edits = taskEdits(own, message, telling)
  if (edits.length === 0) return own
  return splice(
    own,
    edits.toSorted((one, other) => one.start - other.start),
  )
}

/**
 * The edits that seal the task ids of a server's request or notification, in no order. An acknowledged
 * subscription loses the tasks that are not known as this caller's. Grants end with a task that is told to
 * be over.
 *
 * @param own The bytes of the message alone, which edits count from.
 */
export function taskEdits(
  own: Uint8Array,
  { kind, method, params, span, spans }: Message,
  { permit, seat, desk }: Telling,
): Edit[] {
  const edits: Edit[] = []
  const { relatedTask, taskId, taskIds } = spans
  if (relatedTask === undefined && taskId === undefined && taskIds === undefined) return edits
  const context = { permit, seat, tasks: desk.tasks }
  const seal = ({ start, end }: Span): void => {
    const at = { start: start - span.start, end: end - span.start }
    const id: unknown = JSON.parse(Buffer.from(own.subarray(at.start, at.end)).toString('utf8'))
    if (typeof id !== 'string') return
    edits.push({ ...at, text: `"${taskOf(id, context).handle}"` })
  }
  if (relatedTask !== undefined) seal(relatedTask)
  if (kind !== 'notification') return edits
  if (taskId !== undefined && method.startsWith('notifications/tasks')) {
    seal(taskId)
    endWithTasks(own, permit, desk)
  }
  if (taskIds !== undefined) {
    const known = params?.listening?.tasks.flatMap((id) => find(id, context) ?? []) ?? []
    const text = JSON.stringify(known.map(({ handle }) => handle))
    edits.push({ start: taskIds.start - span.start, end: taskIds.end - span.start, text })
  }
  return edits
}
