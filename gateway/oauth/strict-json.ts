/**
 * JSON objects of tokens, read so that every parser reads the same: fatal UTF-8, no byte order mark, no
 * member twice, and no name that cannot be written without an escape. `JSON.parse` keeps the last of two
 * equal members without a word, while the issuer or another verifier may have read the first.
 */

/** The members of a JSON object, as they came. */
export type Members = Readonly<Record<string, unknown>>

/** White space of JSON (RFC 8259 §2) is this and less; in a valid text nothing else of it stands between tokens. */
const SPACE = 0x20
const COLON = 0x3a
const BACKSLASH = 0x5c

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A string, and whether a colon makes it the name of a member. */
const STRINGS = /("(?:[^"\\]|\\.)*")(\s*:)?/g

/** Returns the object that these bytes say; undefined when they are not exactly one JSON object. */
export function readJsonObject(bytes: Uint8Array): Members | undefined {
  try {
    const sent = UTF8.decode(bytes)
    const text = sent.includes('\\') ? unescapeNames(sent) : sent
    const value: unknown = JSON.parse(text)
    return isMembers(value) && writtenIn(text) === keptIn(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a parsed JSON value is an object and not an array. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Names without escapes, such as PHP writes for every slash. Of an escaped name V8 can make another one, which
 * somebody wrote in a text before: https://github.com/nodejs/node/issues/63785.
 *
 * @throws {Error} for a name that cannot be written without.
 */
function unescapeNames(text: string): string {
  return text.replaceAll(STRINGS, (all, string: string, colon: string | undefined) => {
    if (colon === undefined || !string.includes('\\')) return all
    const name = JSON.stringify(JSON.parse(string))
    if (name.includes('\\')) throw new Error('a name with an escape')
    return name + colon
  })
}

/**
 * Members written in a valid JSON text, at any depth. Of two equal ones `JSON.parse` keeps one, and so one is
 * missing in what it returns. A string is the name of a member when a colon follows it.
 */
function writtenIn(text: string): number {
  let written = 0
  for (let open = text.indexOf('"'); open !== -1;) {
    let next = closeOf(text, open) + 1
    while (text.charCodeAt(next) <= SPACE) next += 1
    if (text.charCodeAt(next) === COLON) written += 1
    open = text.indexOf('"', next)
  }
  return written
}

/** Where the string ends that begins there: at a quote after an even number of backslashes. */
function closeOf(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); ; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at
  }
}

/** Members in a parsed value, at any depth. */
function keptIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner: readonly unknown[] = Object.values(value)
  let kept = Array.isArray(value) ? 0 : inner.length
  for (const one of inner) kept += keptIn(one)
  return kept
}
