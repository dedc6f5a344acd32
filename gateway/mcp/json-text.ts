/** Texts of a frame: where one stands, what it says, and a hash to find names by. */

/** Content of a string or member name that has passed as one, without its quotes. */
export type TextSpan = {
  readonly textStart: number
  readonly textEnd: number
  /** Whether it holds an escape, so that its bytes are not its text. */
  readonly textEscaped: boolean
}

/** What the content says. Lone surrogates written as escapes stay in it. */
export function decodeText(bytes: Buffer, at: TextSpan): string {
  if (!at.textEscaped) return bytes.toString('utf8', at.textStart, at.textEnd)
  // As one JSON string has just passed there, this cannot throw or give anything else.
  const text: unknown = JSON.parse(bytes.toString('utf8', at.textStart - 1, at.textEnd + 1))
  return typeof text === 'string' ? text : ''
}

/** FNV-1a, 32 bit, of nothing: quick, and enough to tell the few names apart it is asked about. */
export const HASH_START = 0x811c9dc5 | 0
const HASH_FACTOR = 0x01000193

/** The hash of a text with one more byte of its UTF-8. */
export function addToHash(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, HASH_FACTOR)
}

/** The hash of a whole text. */
export function hashName(name: string): number {
  let hash = HASH_START
  for (const byte of Buffer.from(name, 'utf8')) hash = addToHash(hash, byte)
  return hash
}
