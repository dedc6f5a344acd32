/**
 * Grants made for a task of a server end with it, as soon as the gateway passes on that it is over. Such a
 * grant names the task by the handle that its holder has for it, so that no other caller's task ends it.
 */
import { finishedTasks } from '../mcp/finished-tasks.ts'
import type { Permit } from '../model/permit.ts'
import type { Desk } from './desk.ts'

type Whose = Pick<Permit, 'caller' | 'server'>
type EndDesk = Pick<Desk, 'grants' | 'tasks'>

/** Ends what serves the tasks that this message says are over; most callers have no grant for a task. */
export function endWithTasks(message: Uint8Array, whose: Whose, desk: EndDesk): void {
  if (desk.grants.book.tasksOf(whose.caller).length === 0) return
  for (const id of finishedTasks(message)) endWithTask(id, whose, desk)
}

/** The same for one task by the server's own id. */
export function endWithTask(id: string, { caller, server }: Whose, desk: EndDesk): void {
  const { grants, tasks } = desk
  for (const name of grants.book.tasksOf(caller)) {
    if (tasks.open(name, caller, server)?.id === id) grants.endServing(name, caller)
  }
}
