/**
 * Where an error sends a person: `error.data.elicitations` of -32042, by which a server of 2025-11-25 says
 * that pages must be visited before its call can be made.
 */
import type { Cursor } from './json-cursor.ts'
import {
  enterArray,
  enterObject,
  nextElement,
  nextKind,
  nextMember,
  readText,
  skipValue,
} from './json-value.ts'
import { isLookAlike, nameTable, protocolName } from './member-names.ts'
import { isWebAddress } from './web-address.ts'

const ERROR = nameTable(['data'])
const DATA = nameTable(['elicitations'])
const ENTRY = nameTable(['url'])

/**
 * Passes the value of `error`; true when it sends somebody to what is no page of the web, or when readers
 * may differ about where. The code does not matter: what shows links shows them for any.
 */
export function passError(cursor: Cursor): boolean {
  return inObject(cursor, ERROR, () => inObject(cursor, DATA, () => readEntries(cursor)))
}

function readEntries(cursor: Cursor): boolean {
  if (nextKind(cursor) !== 'array') {
    skipValue(cursor)
    return false
  }
  let astray = false
  enterArray(cursor)
  while (nextElement(cursor)) {
    astray = inObject(cursor, ENTRY, () => !isWebAddress(readText(cursor) ?? '')) || astray
    if (cursor.problem !== undefined) break
  }
  return astray
}

/** Passes a value; of an object with the member of the table `read` is asked, and must pass its value. */
function inObject(
  cursor: Cursor,
  table: Parameters<typeof isLookAlike>[1],
  read: () => boolean,
): boolean {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return false
  }
  let astray = false
  enterObject(cursor)
  while (nextMember(cursor)) {
    if (protocolName(cursor, table) !== undefined) astray = read() || astray
    else {
      astray ||= isLookAlike(cursor, table)
      skipValue(cursor)
    }
    if (cursor.problem !== undefined) break
  }
  return astray
}
