/**
 * Tasks of servers as their callers know them (MCP 2025-11-25 tasks; the tasks extension of 2026-07-28):
 * by a handle that holds the server's id and the tool whose call made the task, bound to the caller and
 * the server. Whoever asks about a task must still be allowed that tool.
 */
import type { Task } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Seals } from '../seal/seal.ts'
import { ownerOf } from './handles.ts'

/** Longest task id of a server that is taken, in characters; sealed it must fit into a header. */
const MAX_TASK_ID_CHARS = 1_024

/**
 * Tasks remembered, of all callers; some kilobytes each at most. The oldest are forgotten first. What is
 * forgotten can be asked about as before, and is only missing from lists.
 */
const MAX_RECENT = 10_000

export type KnownTask = Task & { readonly handle: string }

/** Handles made or opened by this process, by owner and the server's id. */
export type RecentTasks = Map<string, KnownTask>

export type Tasks = {
  /** Undefined for a handle that is not this caller's at this server. */
  open(handle: string, caller: Caller, server: McpServer): KnownTask | undefined
  /**
   * The handle is the same whenever the same task is sealed. A task without a tool is one that nobody
   * may ask about.
   *
   * @throws {Refusal} `upstream_unavailable` for an id that is none.
   */
  seal(task: Task, caller: Caller, server: McpServer): KnownTask
  /**
   * The task of this caller that has this id at the server, if this process has seen its handle lately:
   * what a server lists and tells unasked says neither whose a task is nor which tool made it.
   */
  recall(id: string, caller: Caller, server: McpServer): KnownTask | undefined
}

export function createTasks(seals: Seals, recent: RecentTasks): Tasks {
  const remember = (task: KnownTask, owner: readonly string[]): KnownTask => {
    if (task.tool === '') return task
    const key = keyOf(owner, task.id)
    recent.delete(key)
    recent.set(key, task)
    const [oldest] = recent.keys()
    if (recent.size > MAX_RECENT && oldest !== undefined) recent.delete(oldest)
    return task
  }
  return {
    open(handle, caller, server) {
      const owner = ownerOf(caller, server)
      const text = seals.open('task', owner, handle)
      if (text === undefined) return undefined
      const at = text.indexOf('\n')
      return remember({ tool: text.slice(0, at), id: text.slice(at + 1), handle }, owner)
    },
    seal({ id, tool }, caller, server) {
      if (id.length > MAX_TASK_ID_CHARS || !id.isWellFormed()) {
        throw new Refusal('upstream_unavailable', { detail: 'a task id that is none' })
      }
      const owner = ownerOf(caller, server)
      const handle = seals.seal('task', owner, textOf({ id, tool }))
      return remember({ id, tool, handle }, owner)
    },
    recall(id, caller, server) {
      const owner = ownerOf(caller, server)
      const task = recent.get(keyOf(owner, id))
      if (task === undefined || seals.open('task', owner, task.handle) !== undefined) return task
      // The key that sealed it has left the ring since.
      return remember({ ...task, handle: seals.seal('task', owner, textOf(task)) }, owner)
    },
  }
}

/** Names of tools have no control characters, or they would not have been called. */
function textOf({ id, tool }: Task): string {
  return `${tool}\n${id}`
}

function keyOf(owner: readonly string[], id: string): string {
  return JSON.stringify([...owner, id])
}
