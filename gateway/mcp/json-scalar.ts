/** Strings, numbers and words of a JSON text (RFC 8259 §3, §6, §7). */
import { type Cursor, fail } from './json-cursor.ts'
import { decodeText, hashName } from './json-text.ts'

const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const BACKSLASH = 0x5c
const LOWER_E = 0x65
const LOWER_U = 0x75

/**
 * 1 for the bytes at which reading a string has to stop and look: the quote, the backslash and the
 * control characters, which may not stand in one (RFC 8259 §7).
 */
const STOPS = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
)

/** Passes the string that starts at the cursor and leaves where its content stands. */
export function skipString(cursor: Cursor): boolean {
  const { bytes, end } = cursor
  const start = cursor.at + 1
  let escaped = false
  let at = passPlain(bytes, start, end)
  while (at < end) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) return endString(cursor, start, at, escaped)
    if (byte !== BACKSLASH) return fail(cursor, 'A string has a control character')
    const length = escapeLength(bytes, at)
    if (length === 0) return fail(cursor, 'A string has an unknown escape')
    escaped = true
    at = passPlain(bytes, at + length, end)
  }
  return fail(cursor, 'A string does not end')
}

/** The first byte from `at` on that stops a string, four at a time: most strings are long and plain. */
export function passPlain(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (
    at + 3 < end &&
    (stop(bytes, at) | stop(bytes, at + 1) | stop(bytes, at + 2) | stop(bytes, at + 3)) === 0
  ) {
    at += 4
  }
  while (at < end && stop(bytes, at) === 0) at += 1
  return at
}

function stop(bytes: Buffer, at: number): number {
  return STOPS[bytes[at] ?? 0] ?? 0
}

/** Ends a string: notes where its content stands and passes its quote. */
export function endString(cursor: Cursor, start: number, end: number, escaped: boolean): boolean {
  if (end - start + 2 > cursor.bounds.maxStringBytes) return fail(cursor, 'A string is too long')
  cursor.textStart = start
  cursor.textEnd = end
  cursor.textEscaped = escaped
  cursor.at = end + 1
  return true
}

/** Bytes of the escape whose backslash stands at `at`; 0 when it is none. */
function escapeLength(bytes: Buffer, at: number): number {
  switch (bytes[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2
    case LOWER_U:
      return isHex(bytes[at + 2]) &&
        isHex(bytes[at + 3]) &&
        isHex(bytes[at + 4]) &&
        isHex(bytes[at + 5])
        ? 6
        : 0
    default:
      return 0
  }
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false
  if (byte >= ZERO && byte <= NINE) return true
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66
}

/**
 * Passes a member name that `nextMember` found not to be plain, and leaves its hash. Names must be
 * well-formed Unicode.
 */
export function readEscapedName(cursor: Cursor): boolean {
  if (!skipString(cursor)) return false
  const text = textOf(cursor)
  if (!text.isWellFormed()) return fail(cursor, 'A member name is not well-formed Unicode')
  cursor.textHash = hashName(text)
  return true
}

/** The text of the string or member name read last. Lone surrogates written as escapes stay in it. */
export function textOf(cursor: Cursor): string {
  return decodeText(cursor.bytes, cursor)
}

/** Passes the number that starts at the cursor. */
export function skipNumber(cursor: Cursor): boolean {
  const { bytes } = cursor
  let at = cursor.at
  if (bytes[at] === MINUS) at += 1
  if (bytes[at] === ZERO) at += 1
  else {
    const digits = passDigits(cursor, at)
    if (digits === at) return fail(cursor, 'A value was expected')
    at = digits
  }
  if (bytes[at] === DOT) {
    const digits = passDigits(cursor, at + 1)
    if (digits === at + 1) return fail(cursor, 'A number has no digits after its point')
    at = digits
  }
  if (((bytes[at] ?? 0) | 0x20) === LOWER_E) {
    const sign = bytes[at + 1]
    const first = sign === PLUS || sign === MINUS ? at + 2 : at + 1
    const digits = passDigits(cursor, first)
    if (digits === first) return fail(cursor, 'A number has no digits in its exponent')
    at = digits
  }
  cursor.at = at
  return true
}

function passDigits(cursor: Cursor, from: number): number {
  const { bytes, end } = cursor
  let at = from
  while (at < end) {
    const byte = bytes[at] ?? 0
    if (byte < ZERO || byte > NINE) break
    at += 1
  }
  return at
}

/** Passes `true`, `false` or `null`. */
export function skipWord(cursor: Cursor, word: 'true' | 'false' | 'null'): boolean {
  const { bytes, at } = cursor
  for (let i = 0; i < word.length; i += 1) {
    if (bytes[at + i] !== word.charCodeAt(i)) return fail(cursor, 'A value was expected')
  }
  cursor.at = at + word.length
  return true
}
