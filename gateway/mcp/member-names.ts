/**
 * Which members of a message have a meaning in the protocol, and which only look like one. Parsers that
 * fold case, normalise Unicode or drop invisible characters would read a look-alike as the real member
 * (CVE-2026-27896 and its kin), so it must not pass next to it or instead of it.
 */
import { type Cursor, fail } from './json-cursor.ts'
import { textOf } from './json-scalar.ts'
import { addToHash, HASH_START, hashName } from './json-text.ts'
import { isPlainText } from './plain-text.ts'

/** The member names with a meaning in one kind of object. */
export type NameTable<Name extends string> = {
  readonly byHash: ReadonlyMap<number, { readonly name: Name; readonly bytes: Uint8Array }>
  readonly folded: ReadonlySet<string>
  /** Hashes of what the ASCII ones of `folded` are; a name whose hash is not here is not like them. */
  readonly foldedHashes: ReadonlySet<number>
}

/**
 * Names of one text that may need folding, which takes some microseconds each, and bytes of one such
 * name. Only names that are not plain ASCII do, and the protocol has none.
 */
const MAX_ODD_NAMES = 1_000
const MAX_ODD_NAME_BYTES = 256

const SPACE = 0x20
const HYPHEN = 0x2d
const UNDERSCORE = 0x5f
const DEL = 0x7f

/** Names that a JavaScript server would take for its own object's machinery. */
const UNSAFE_NAMES = ['__proto__', 'constructor', 'prototype']

/** The table of some names. Two names of one hash are a mistake that the tests would show. */
export function nameTable<Name extends string>(names: readonly Name[]): NameTable<Name> {
  const byHash = new Map(
    names.map((name) => [hashName(name), { name, bytes: Buffer.from(name, 'utf8') }]),
  )
  const folded = new Set([...names, ...UNSAFE_NAMES].map(fold))
  return { byHash, folded, foldedHashes: new Set([...folded].map(hashName)) }
}

/** The protocol name that the member just read is, byte for byte after unescaping; else undefined. */
export function protocolName<Name extends string>(
  cursor: Cursor,
  table: NameTable<Name>,
): Name | undefined {
  const entry = table.byHash.get(cursor.textHash)
  if (entry === undefined) return undefined
  if (cursor.textEscaped) return textOf(cursor) === entry.name ? entry.name : undefined
  const { bytes, textStart, textEnd } = cursor
  const expected = entry.bytes
  if (textEnd - textStart !== expected.length) return undefined
  for (let i = 0; i < expected.length; i += 1) {
    if (bytes[textStart + i] !== expected[i]) return undefined
  }
  return entry.name
}

/**
 * Whether the member just read, which is none of the table's names, could be taken for one of them or
 * for a name with a meaning to JavaScript objects. A name with a control character always could: some
 * readers end it there, some leave it out. So could one that is too long to be folded.
 */
export function isLookAlike(cursor: Cursor, table: NameTable<string>): boolean {
  const hash = cursor.textEscaped ? undefined : foldedAsciiHash(cursor)
  if (hash !== undefined && !table.foldedHashes.has(hash)) return false
  cursor.oddNames += 1
  if (cursor.oddNames > MAX_ODD_NAMES) {
    fail(cursor, 'The text has too many member names that may be look-alikes')
    return true
  }
  if (cursor.textEnd - cursor.textStart > MAX_ODD_NAME_BYTES) return true
  const name = textOf(cursor)
  return !isPlainText(name) || table.folded.has(fold(name))
}

/** What no reader is known to heed when it compares names leniently; U+0307 is left by folding `İ`. */
const IGNORED = /[\p{Default_Ignorable_Code_Point}\p{White_Space}\u0307_-]/gu

/**
 * The form in which names are alike: compatibility normalised (so U+017F is `s` and U+212A is `k`),
 * without case, white space and invisible characters, `_` and `-`. The last two because some servers
 * accept `task_id` for `taskId`.
 */
function fold(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().replaceAll(IGNORED, '')
}

/** The hash of the name as `fold` would have it, without making a string; undefined if that is not known. */
function foldedAsciiHash({ bytes, textStart, textEnd }: Cursor): number | undefined {
  let hash = HASH_START
  for (let at = textStart; at < textEnd; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte >= DEL) return undefined
    if (byte !== SPACE && byte !== UNDERSCORE && byte !== HYPHEN) {
      hash = addToHash(hash, byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)
    }
  }
  return hash
}
