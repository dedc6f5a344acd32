/**
 * JSON objects of tokens, read so that every parser reads the same: fatal UTF-8, no byte order mark,
 * and no member twice. `JSON.parse` keeps the last of two equal members without a word, while the
 * issuer or another verifier may have read the first.
 */

/** The members of a JSON object, as they came. */
export type Members = Readonly<Record<string, unknown>>

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the object that these bytes say; undefined when they are not exactly one JSON object. */
export function readJsonObject(bytes: Uint8Array): Members | undefined {
  try {
    const text = UTF8.decode(bytes)
    const value: unknown = JSON.parse(text)
    return isMembers(value) && !repeatsMember(text) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a parsed JSON value is an object and not an array. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What matters for finding member names: strings, brackets and colons. */
const PIECES = /"(?:[^"\\]|\\.)*"|[{}:]/g

/**
 * Whether any object in this valid JSON text has a member twice, after unescaping. A string is a
 * member name when a colon follows it; nothing but white space can stand between the two.
 */
function repeatsMember(text: string): boolean {
  const open: Set<string>[] = []
  let string = '""'
  for (const [piece] of text.matchAll(PIECES)) {
    if (piece === '{') open.push(new Set())
    else if (piece === '}') open.pop()
    else if (piece === ':') {
      const names = open.at(-1)
      const name: unknown = JSON.parse(string)
      if (names === undefined || typeof name !== 'string' || names.has(name)) return true
      names.add(name)
    } else string = piece
  }
  return false
}
