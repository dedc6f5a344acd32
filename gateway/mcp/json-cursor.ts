/**
 * The state of one pass over a JSON text, and the steps everything else is made of. A function that
 * returns a boolean returns false once the text was refused; `problem` then says why.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import type { Bounds } from './bounds.ts'
import { createKeyStack, type KeyStack } from './key-stack.ts'

const TAB = 0x09
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20

export type Cursor = {
  readonly bytes: Buffer
  readonly end: number
  readonly bounds: Bounds
  readonly keys: KeyStack
  /** The next byte to read. */
  at: number
  depth: number
  nodes: number
  /** Whether the container just entered has had no member or element yet. */
  fresh: boolean
  /** The content of the string or member name read last, without its quotes. */
  textStart: number
  textEnd: number
  /** Whether it holds an escape, so that its bytes are not its text. */
  textEscaped: boolean
  /** Hash of the member name read last, over the UTF-8 of its text. */
  textHash: number
  /** Member names so far that had to be folded to be judged; see `member-names.ts`. */
  oddNames: number
  /** Why the text is refused; undefined as long as all is well. */
  problem: string | undefined
}

/** A cursor at the first byte. Bad UTF-8 or a byte order mark is a problem from the start. */
export function createCursor(bytes: Uint8Array, bounds: Bounds): Cursor {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    bytes: buffer,
    end: buffer.length,
    bounds,
    keys: createKeyStack(),
    at: 0,
    depth: 0,
    nodes: 0,
    fresh: false,
    textStart: 0,
    textEnd: 0,
    textEscaped: false,
    textHash: 0,
    oddNames: 0,
    problem: encodingProblem(buffer),
  }
}

function encodingProblem(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return undefined
  if (!isUtf8(bytes)) return 'The text is not valid UTF-8'
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return marked ? 'The text starts with a byte order mark' : undefined
}

/** Refuses the text; the first reason stays. */
export function fail(cursor: Cursor, problem: string): false {
  cursor.problem ??= problem
  return false
}

/**
 * Passes white space and returns the byte after it without passing that one; 0 at the end, which is a
 * byte no JSON token starts with.
 */
export function peek(cursor: Cursor): number {
  const byte = cursor.at < cursor.end ? (cursor.bytes[cursor.at] ?? 0) : 0
  return byte > SPACE ? byte : peekBehindSpace(cursor)
}

function peekBehindSpace(cursor: Cursor): number {
  const { bytes, end } = cursor
  let at = cursor.at
  while (at < end && isSpace(bytes[at])) at += 1
  cursor.at = at
  return at < end ? (bytes[at] ?? 0) : 0
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB
}
