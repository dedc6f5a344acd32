/**
 * Which tasks a message says are over: `status` beside `taskId` in a result, in `result.task`, in an entry
 * of `result.tasks`, and in the `params` of a notification (MCP 2025-11-25 tasks; the tasks extension of
 * 2026-07-28).
 */
import { ANSWER_BOUNDS } from './bounds.ts'
import { createCursor, type Cursor } from './json-cursor.ts'
import {
  enterArray,
  enterObject,
  nextElement,
  nextKind,
  nextMember,
  readText,
  skipValue,
} from './json-value.ts'
import { nameTable, protocolName } from './member-names.ts'
import { ENVELOPE } from './protocol-members.ts'

/** States that a task never leaves. */
const FINAL: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

const BODY = nameTable(['status', 'task', 'taskId', 'tasks'])

/**
 * The server's ids of these tasks, in no order; empty for an error.
 *
 * @param message A response or notification that the strict scanner has passed.
 */
export function finishedTasks(message: Uint8Array): readonly string[] {
  const cursor = createCursor(message, ANSWER_BOUNDS)
  const finished: string[] = []
  if (nextKind(cursor) !== 'object') return finished
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, ENVELOPE)
    if (name === 'result' || name === 'params') readBody(cursor, finished)
    else skipValue(cursor)
  }
  return finished
}

function readBody(cursor: Cursor, finished: string[]): void {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return
  }
  let id: string | undefined
  let status: string | undefined
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, BODY)
    if (name === 'taskId') id = readText(cursor)
    else if (name === 'status') status = readText(cursor)
    else if (name === 'task') readBody(cursor, finished)
    else if (name === 'tasks' && nextKind(cursor) === 'array') {
      enterArray(cursor)
      while (nextElement(cursor)) readBody(cursor, finished)
    } else skipValue(cursor)
  }
  if (id !== undefined && status !== undefined && FINAL.has(status)) finished.push(id)
}
