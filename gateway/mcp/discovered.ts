/**
 * The versions in the answer to `server/discover`. A client chooses one of them for all that follows, so
 * none may stand there that the gateway does not read.
 */
import { ANSWER_BOUNDS } from './bounds.ts'
import { cutElements } from './cut-elements.ts'
import type { Edit } from './edit.ts'
import { splice } from './edit.ts'
import type { Cursor } from './json-cursor.ts'
import { createCursor } from './json-cursor.ts'
import { enterObject, nextKind, nextMember, readText, skipValue } from './json-value.ts'
import { nameTable, protocolName } from './member-names.ts'
import { ENVELOPE } from './protocol-members.ts'
import { SUPPORTED_VERSIONS } from './versions.ts'

/** The result of `server/discover`, as far as it is read. */
const DISCOVERED = nameTable(['supportedVersions'])

/**
 * The same response without the versions that the gateway does not serve; the same object when it serves
 * all of them.
 *
 * @param bytes One JSON-RPC response that has been found to be one.
 */
export function withServedVersions(bytes: Uint8Array): Uint8Array {
  const cursor = createCursor(bytes, ANSWER_BOUNDS)
  const edits: Edit[] = []
  eachMember(cursor, () => {
    if (protocolName(cursor, ENVELOPE) !== 'result' || nextKind(cursor) !== 'object') return false
    eachMember(cursor, () => {
      const isList = protocolName(cursor, DISCOVERED) !== undefined && nextKind(cursor) === 'array'
      return isList && cutElements(cursor, edits, () => isServed(cursor))
    })
    return true
  })
  return edits.length === 0 ? bytes : splice(bytes, edits)
}

function isServed(cursor: Cursor): boolean {
  const version = readText(cursor)
  return version !== undefined && SUPPORTED_VERSIONS.includes(version)
}

/** @param take Passes the value of the member just read, or says false and leaves it. */
function eachMember(cursor: Cursor, take: () => boolean): void {
  enterObject(cursor)
  while (nextMember(cursor)) if (!take() && cursor.problem === undefined) skipValue(cursor)
}
