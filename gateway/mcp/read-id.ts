/** JSON-RPC ids, as MCP narrows them: a string or an integer (basic/index). */
import { type Cursor, peek } from './json-cursor.ts'
import { skipNumber, skipString, textOf } from './json-scalar.ts'
import { countNode, QUOTE, skipValue } from './json-value.ts'
import type { RpcId } from './message.ts'
import { isPlainText } from './plain-text.ts'

/** Characters of a string id. Ids are kept while a request runs and echoed into records. */
const MAX_ID_CHARACTERS = 256

const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const LOWER_N = 0x6e

/**
 * Passes a value and reads it as an id: a string of 1 to 256 characters without controls, or an integer
 * within ±(2^53-1) written as plain digits, so that every reader sees the same number. `unfit` is
 * anything else but null.
 */
export function readId(cursor: Cursor): RpcId | 'null' | 'unfit' {
  const first = peek(cursor)
  const start = cursor.at
  if (first === QUOTE) {
    if (!countNode(cursor) || !skipString(cursor)) return 'unfit'
    const value = textOf(cursor)
    if (value === '' || value.length > MAX_ID_CHARACTERS || !isPlainText(value)) return 'unfit'
    return { text: rawText(cursor, start), value, span: { start, end: cursor.at } }
  }
  if (first === MINUS || (first >= ZERO && first <= NINE)) {
    if (!countNode(cursor) || !skipNumber(cursor)) return 'unfit'
    const text = rawText(cursor, start)
    const value = Number(text)
    // Also refuses `-0`, `1.0` and `1e3`: their number is safe, but it is written otherwise.
    if (!Number.isSafeInteger(value) || String(value) !== text) return 'unfit'
    return { text, value, span: { start, end: cursor.at } }
  }
  if (!skipValue(cursor)) return 'unfit'
  return first === LOWER_N ? 'null' : 'unfit'
}

function rawText(cursor: Cursor, start: number): string {
  return cursor.bytes.toString('utf8', start, cursor.at)
}
