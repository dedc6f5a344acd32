/**
 * A strict reader of JSON values (RFC 8259): one pass, nothing is built and nothing decoded unless
 * asked for. It is stricter than the RFC where parsers disagree: no name twice in one object after
 * unescaping, names well-formed, depth, nodes and strings within bounds.
 */
import { type Cursor, fail, peek } from './json-cursor.ts'
import {
  endString,
  readEscapedName,
  skipNumber,
  skipString,
  skipWord,
  textOf,
} from './json-scalar.ts'
import { addToHash, HASH_START } from './json-text.ts'
import { addKey, closeKeys, openKeys } from './key-stack.ts'

// Constants of the files a frame's every byte passes through are not shared: an imported one is loaded
// from memory at each use, which costs a tenth of the whole.
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const LOWER_F = 0x66
const LOWER_N = 0x6e
const LOWER_T = 0x74
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

export type ValueKind = 'object' | 'array' | 'string' | 'true' | 'false' | 'null' | 'number'

/** What the next value is by its first byte, the white space before it passed; a number if nothing else. */
export function nextKind(cursor: Cursor): ValueKind {
  switch (peek(cursor)) {
    case QUOTE:
      return 'string'
    case OPEN_OBJECT:
      return 'object'
    case OPEN_ARRAY:
      return 'array'
    case LOWER_T:
      return 'true'
    case LOWER_F:
      return 'false'
    case LOWER_N:
      return 'null'
    default:
      return 'number'
  }
}

/** Passes one value of any kind and the white space before it. */
export function skipValue(cursor: Cursor): boolean {
  switch (peek(cursor)) {
    case QUOTE:
      return countNode(cursor) && skipString(cursor)
    case OPEN_OBJECT:
      return skipObject(cursor)
    case OPEN_ARRAY:
      return skipArray(cursor)
    case LOWER_T:
      return countNode(cursor) && skipWord(cursor, 'true')
    case LOWER_F:
      return countNode(cursor) && skipWord(cursor, 'false')
    case LOWER_N:
      return countNode(cursor) && skipWord(cursor, 'null')
    default:
      return countNode(cursor) && skipNumber(cursor)
  }
}

function skipObject(cursor: Cursor): boolean {
  if (!enterObject(cursor)) return false
  while (nextMember(cursor)) {
    if (!skipValue(cursor)) return false
  }
  return cursor.problem === undefined
}

function skipArray(cursor: Cursor): boolean {
  if (!enterArray(cursor)) return false
  while (nextElement(cursor)) {
    if (!skipValue(cursor)) return false
  }
  return cursor.problem === undefined
}

/**
 * Steps into the object at the cursor. Then call `nextMember` until it says false, and pass exactly one
 * value after each true.
 */
export function enterObject(cursor: Cursor): boolean {
  openKeys(cursor.keys)
  return enter(cursor)
}

/** Steps into the array at the cursor; `nextElement` goes on from there as `nextMember` does. */
export function enterArray(cursor: Cursor): boolean {
  return enter(cursor)
}

function enter(cursor: Cursor): boolean {
  // Checked before anything recurses, so that depth costs no stack.
  if (cursor.depth >= cursor.bounds.maxDepth) return fail(cursor, 'The text is nested too deeply')
  cursor.at += 1
  cursor.depth += 1
  cursor.fresh = true
  return countNode(cursor)
}

/** Counts a value against the bound. Whoever passes a value without `skipValue` calls it once. */
export function countNode(cursor: Cursor): boolean {
  cursor.nodes += 1
  return cursor.nodes <= cursor.bounds.maxNodes || fail(cursor, 'The text has too many values')
}

/** Counts values that are not passed one by one. */
export function countNodes(cursor: Cursor, count: number): boolean {
  cursor.nodes += count - 1
  return countNode(cursor)
}

/**
 * Reads the next member name of the current object and its colon; false when the object has ended,
 * which it then has passed, or when there is a problem.
 */
export function nextMember(cursor: Cursor): boolean {
  if (!advance(cursor, CLOSE_OBJECT)) {
    return closeKeys(cursor.keys, cursor.bytes) ? false : failTwice(cursor)
  }
  if (peek(cursor) !== QUOTE) return fail(cursor, 'A member name was expected')
  // The name is read here and not in a function of its own: the call would cost a tenth of all time.
  const { bytes, end } = cursor
  const start = cursor.at + 1
  let hash = HASH_START
  let byte = 0
  let at = start
  for (; at < end; at += 1) {
    byte = bytes[at] ?? 0
    if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break
    hash = addToHash(hash, byte)
  }
  if (byte === QUOTE) {
    cursor.textHash = hash
    if (!endString(cursor, start, at, false)) return false
  } else if (!readEscapedName(cursor)) return false
  if (!addKey(cursor.keys, cursor.bytes, cursor)) return failTwice(cursor)
  if (peek(cursor) !== COLON) return fail(cursor, 'A colon was expected')
  cursor.at += 1
  return true
}

function failTwice(cursor: Cursor): false {
  return fail(cursor, 'An object has a member twice')
}

/** Goes to the next element of the current array; false when it has ended or there is a problem. */
export function nextElement(cursor: Cursor): boolean {
  return advance(cursor, CLOSE_ARRAY)
}

/**
 * Passes the comma before every member and element but the first, or the end of the container. After a
 * comma a member or value must follow, so `[1,]` fails there.
 */
function advance(cursor: Cursor, close: number): boolean {
  const byte = peek(cursor)
  const first = cursor.fresh
  cursor.fresh = false
  if (byte === close) {
    cursor.at += 1
    cursor.depth -= 1
    return false
  }
  if (first) return true
  if (byte !== COMMA) return fail(cursor, 'A comma or the end of a container was expected')
  cursor.at += 1
  return true
}

/** Passes a value and returns its text, or undefined when it is not a string. */
export function readText(cursor: Cursor): string | undefined {
  if (nextKind(cursor) !== 'string') {
    skipValue(cursor)
    return undefined
  }
  return countNode(cursor) && skipString(cursor) ? textOf(cursor) : undefined
}

/** Passes a value and returns its number, NaN when it is none. */
export function readNumber(cursor: Cursor): number {
  const kind = nextKind(cursor)
  const start = cursor.at
  if (kind !== 'number') {
    skipValue(cursor)
    return Number.NaN
  }
  return countNode(cursor) && skipNumber(cursor)
    ? Number(cursor.bytes.toString('latin1', start, cursor.at))
    : Number.NaN
}

/** Whether all has gone well and nothing but white space is left. */
export function atEnd(cursor: Cursor): boolean {
  if (cursor.problem !== undefined) return false
  peek(cursor)
  return cursor.at === cursor.end || fail(cursor, 'There is text after the JSON value')
}
