/**
 * JSON objects of tokens, read so that every parser reads the same: fatal UTF-8, no byte order mark, no
 * member twice, and no name that cannot be written without an escape. `JSON.parse` keeps the last of two
 * equal members without a word, while the issuer or another verifier may have read the first.
 */

import { eachName, unescapeNames } from '../model/json-names.ts'

/** The members of a JSON object, as they came. */
export type Members = Readonly<Record<string, unknown>>

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the object that these bytes say; undefined when they are not exactly one JSON object. */
export function readJsonObject(bytes: Uint8Array): Members | undefined {
  try {
    const text = UTF8.decode(bytes)
    const value: unknown = JSON.parse(text)
    const plain = unescapeNames(text)
    if (plain === undefined) return undefined
    const read: unknown = plain === text ? value : JSON.parse(plain)
    return isMembers(read) && writtenIn(plain) === keptIn(read) ? read : undefined
  } catch {
    return undefined
  }
}

/** Whether a parsed JSON value is an object and not an array. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members written in a text. Of two equal ones `JSON.parse` keeps one, and so one is missing in what it returns. */
function writtenIn(text: string): number {
  let written = 0
  eachName(text, () => (written += 1))
  return written
}

/** Members in a parsed value, at any depth. */
function keptIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner: readonly unknown[] = Object.values(value)
  let kept = Array.isArray(value) ? 0 : inner.length
  for (const one of inner) kept += keptIn(one)
  return kept
}
