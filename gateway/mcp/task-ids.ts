/**
 * Ids of tasks in a JSON-RPC response, in both forms that tasks have had: `result.task` and lists of
 * tasks (MCP 2025-11-25), `taskId` of the result itself (that of every answer about a task), and
 * `_meta["io.modelcontextprotocol/related-task"]`.
 */
import { ANSWER_BOUNDS } from './bounds.ts'
import { type Edit, splice } from './edit.ts'
import { createCursor, type Cursor, peek } from './json-cursor.ts'
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
import { ENVELOPE, META, META_RELATED_TASK, TASK } from './protocol-members.ts'

/** Where an id stands: the task a result is about, an entry of a list, the task a message belongs to. */
export type TaskPlace = 'result' | 'list' | 'related'

/** The id to stand there instead; undefined leaves it, and takes an entry out of a list. */
export type Rename = (id: string, place: TaskPlace) => string | undefined

const RESULT = nameTable(['task', 'taskId', 'tasks', '_meta'])

type Renaming = { readonly cursor: Cursor; readonly rename: Rename; readonly edits: Edit[] }

/**
 * The response with other ids of tasks in it, sliced around them like `filterAnswer` does.
 *
 * @param response A response, or an array of messages, that the strict scanner has passed.
 */
export function renameTasks(response: Uint8Array, rename: Rename): Uint8Array {
  const cursor = createCursor(response, ANSWER_BOUNDS)
  const renaming: Renaming = { cursor, rename, edits: [] }
  if (nextKind(cursor) === 'array') {
    enterArray(cursor)
    while (nextElement(cursor)) readResponse(renaming)
  } else readResponse(renaming)
  return renaming.edits.length === 0 ? response : splice(cursor.bytes, renaming.edits)
}

function readResponse(renaming: Renaming): void {
  const { cursor } = renaming
  eachMember(cursor, () => {
    if (protocolName(cursor, ENVELOPE) === 'result') readResult(renaming)
    else skipValue(cursor)
  })
}

function readResult(renaming: Renaming): void {
  const { cursor } = renaming
  eachMember(cursor, () => {
    const name = protocolName(cursor, RESULT)
    if (name === 'taskId') replaceId(renaming, 'result')
    else if (name === 'task') readTask(renaming, 'result')
    else if (name === 'tasks' && nextKind(cursor) === 'array') readList(renaming)
    else if (name === '_meta') readMeta(renaming)
    else skipValue(cursor)
  })
}

function readMeta(renaming: Renaming): void {
  const { cursor } = renaming
  eachMember(cursor, () => {
    if (protocolName(cursor, META) === META_RELATED_TASK) readTask(renaming, 'related')
    else skipValue(cursor)
  })
}

/** Passes an object that describes a task; true when its id was replaced, or is the same by another name. */
function readTask(renaming: Renaming, place: TaskPlace): boolean {
  const { cursor } = renaming
  let replaced = false
  eachMember(cursor, () => {
    if (protocolName(cursor, TASK) === undefined) skipValue(cursor)
    else replaced = replaceId(renaming, place)
  })
  return replaced
}

/** Keeps the entries that got another id; each that goes takes one comma with it. */
function readList(renaming: Renaming): void {
  const { cursor, edits } = renaming
  /** End of what is kept so far; in front of the first entry, the end of the bracket. */
  let keptEnd = cursor.at + 1
  let anyKept = false
  let end = keptEnd
  enterArray(cursor)
  while (nextElement(cursor)) {
    peek(cursor)
    const start = cursor.at
    const from = edits.length
    if (readTask(renaming, 'list')) {
      // What is cut stands before this entry, and so before the edits inside it.
      const cut = { start: keptEnd, end: start, text: anyKept ? ',' : '' }
      if (end !== keptEnd) edits.splice(from, 0, cut)
      anyKept = true
      keptEnd = cursor.at
    }
    end = cursor.at
    if (cursor.problem !== undefined) return
  }
  if (end !== keptEnd) edits.push({ start: keptEnd, end, text: '' })
}

function replaceId({ cursor, rename, edits }: Renaming, place: TaskPlace): boolean {
  peek(cursor)
  const start = cursor.at
  const id = readText(cursor)
  const renamed = id === undefined ? undefined : rename(id, place)
  if (renamed === undefined) return false
  if (renamed !== id) edits.push({ start, end: cursor.at, text: JSON.stringify(renamed) })
  return true
}

/** Passes a value; `pass` must pass the value of each member it is called at. */
function eachMember(cursor: Cursor, pass: () => void): void {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return
  }
  enterObject(cursor)
  while (cursor.problem === undefined && nextMember(cursor)) pass()
}
