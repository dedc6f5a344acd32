import { mirrorsName } from '../mcp/agreement.ts'
import { encodeMirrored } from '../mcp/sentinel.ts'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'

/** Who asks, and in which visit. */
export type Asker = { readonly caller: Caller; readonly seat: Seat }

/**
 * The call with what policy must know of the tasks it names, which stand last among its targets: the
 * handles of a caller are opened, and a server's own ids in its notifications are given the handles they
 * have. From here on `Mcp-Name` of the head is the server's own id. Ids that are not this caller's stay as
 * they are: no rule allows those.
 */
export function nameTasks(call: Call, asker: Asker, { tasks }: Pick<Desk, 'tasks'>): Call {
  const { caller, seat } = asker
  const name = (target: Target): Target => {
    if (target.kind !== 'task') return target
    if (call.direction === 'down') {
      // Of what a server asks, the tasks are the client's own.
      if (call.kind !== 'notification') return target
      const task = seat.tasks?.get(target.name) ?? tasks.recall(target.name, caller, seat.server)
      return task === undefined ? target : { kind: 'task', name: task.handle, task }
    }
    const task = tasks.open(target.name, caller, seat.server)
    if (task === undefined) return target
    seat.tasks ??= new Map()
    seat.tasks.set(task.id, task)
    if (seat.head !== undefined && mirrorsName(call)) seat.head.name = encodeMirrored(task.id)
    return { ...target, task }
  }
  return { ...call, targets: call.targets.map(name) }
}
