/** JSON-RPC ids, as MCP narrows them: a string or an integer (basic/index). */
import type { Cursor } from './json-cursor.ts'
import { skipNumber, skipString, textOf } from './json-scalar.ts'
import { countNode, nextKind, skipValue } from './json-value.ts'
import type { RpcId } from './message.ts'
import { isPlainText } from './plain-text.ts'

/** Characters of a string id. Ids are kept while a request runs and echoed into records. */
const MAX_ID_CHARACTERS = 256

/**
 * Passes a value and reads it as an id: a string of 1 to 256 characters without controls, or an integer
 * within ±(2^53-1) written as plain digits, so that every reader sees the same number. `unfit` is
 * anything else but null.
 */
export function readId(cursor: Cursor): RpcId | 'null' | 'unfit' {
  const kind = nextKind(cursor)
  const start = cursor.at
  if (kind === 'string') {
    if (!countNode(cursor) || !skipString(cursor)) return 'unfit'
    const value = textOf(cursor)
    if (value === '' || value.length > MAX_ID_CHARACTERS || !isPlainText(value)) return 'unfit'
    return { text: rawText(cursor, start), value, span: { start, end: cursor.at } }
  }
  if (kind === 'number') {
    if (!countNode(cursor) || !skipNumber(cursor)) return 'unfit'
    const text = rawText(cursor, start)
    const value = Number(text)
    // Also refuses `-0`, `1.0` and `1e3`: their number is safe, but it is written otherwise.
    if (!Number.isSafeInteger(value) || String(value) !== text) return 'unfit'
    return { text, value, span: { start, end: cursor.at } }
  }
  if (!skipValue(cursor)) return 'unfit'
  return kind === 'null' ? 'null' : 'unfit'
}

/**
 * Whether two ids, each as its bytes read, are the same: a server may escape a string otherwise than the
 * client did. Both must have been read by `readId`.
 */
export function sameId(a: string, b: string): boolean {
  if (a === b) return true
  return a.startsWith('"') && b.startsWith('"') && JSON.parse(a) === JSON.parse(b)
}

function rawText(cursor: Cursor, start: number): string {
  return cursor.bytes.toString('utf8', start, cursor.at)
}
