/**
 * Watches a JSON answer that is too large to be held and is passed on as it comes: whether it is exactly
 * one JSON-RPC response to our request, and no list. A client acts on JSON only when it has all of it,
 * so an answer that is cut before its last bracket did nothing.
 *
 * One pass that keeps only the member name or id being read. Containers are counted and not matched:
 * what is not JSON at all is for the client to refuse.
 */
import type { Era } from '../model/call.ts'
import { ANSWER_BOUNDS } from './bounds.ts'
import { INPUT_REQUIRED, ROUND_NAMES } from './input-required.ts'
import { createCursor, type Cursor } from './json-cursor.ts'
import { passPlain } from './json-scalar.ts'
import { atEnd, enterObject, nextMember, readText } from './json-value.ts'
import { LIST_NAMES } from './list.ts'
import { isLookAlike, type NameTable, protocolName } from './member-names.ts'
import { ENVELOPE } from './protocol-members.ts'
import { readId, sameId } from './read-id.ts'

export type ResponseWatch = {
  /**
   * What the answer has said of itself so far. In the modern era a result says it (`resultType`), and
   * may do so at its end; in the legacy era results have no types, and are other than errors.
   */
  readonly says: 'nothing' | 'error' | 'input_required' | 'other'
  /** What is wrong with the answer up to the end of this chunk, which must then not be passed on. */
  push(chunk: Uint8Array): string | undefined
  /** What is wrong with an answer that ends here. */
  end(): string | undefined
}

/**
 * Bytes of a member name of the envelope or the result, or of the id, as written with its quotes. An id
 * has 256 characters at most, of six bytes each where they are escaped.
 */
const MAX_KEPT_BYTES = 2_048

/** Members of the envelope and the result together; reading one takes a microsecond. They have a handful. */
const MAX_NAMES = 100_000

const NOT_ONE = 'An answer must be one JSON-RPC response'

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const DELETE = 0x7f
const CLOSE_OBJECT = 0x7d

type Member = 'jsonrpc' | 'id' | 'result' | 'error'

type Watch = {
  /** The request's id, as its bytes read. */
  readonly due: string
  readonly era: Era
  depth: number
  inText: boolean
  /** The byte before, in a text, was a backslash that escapes the next one. */
  escaped: boolean
  /** Whether the next text, where names count, is one. */
  wantsName: boolean
  /** What is being copied into `kept`. */
  keeps: 'name' | 'scalar' | undefined
  readonly kept: Buffer
  keptBytes: number
  /** The member of the envelope that is being read. */
  member: Member | undefined
  /** Whether the result is an object, so that the names in it count. */
  resultHasNames: boolean
  /** Whether the member of the result that is being read is a list if it is an array. */
  namesList: boolean
  /** Whether it is the type of the result. */
  namesType: boolean
  says: ResponseWatch['says']
  readonly seen: Set<Member>
  /** Whether the id has come and is the one that is due. */
  hasId: boolean
  names: number
  oddNames: number
  problem: string | undefined
}

/**
 * @param id The id of the request that must be answered, as its bytes read.
 * @param era That of the request: whether the type of a result has a meaning.
 */
export function watchResponse(id: string, era: Era): ResponseWatch {
  const watch: Watch = {
    due: id,
    era,
    depth: 0,
    inText: false,
    escaped: false,
    wantsName: false,
    keeps: undefined,
    kept: Buffer.alloc(MAX_KEPT_BYTES),
    keptBytes: 0,
    member: undefined,
    resultHasNames: false,
    namesList: false,
    namesType: false,
    says: 'nothing',
    seen: new Set(),
    hasId: false,
    names: 0,
    oddNames: 0,
    problem: undefined,
  }
  return {
    get says() {
      return watch.says
    },
    push: (chunk) => push(watch, chunk),
    end: () => watch.problem ?? (isWhole(watch) ? undefined : 'The answer is not whole'),
  }
}

function isWhole({ depth, seen }: Watch): boolean {
  return depth === 0 && seen.size > 0
}

function push(watch: Watch, chunk: Uint8Array): string | undefined {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  let at = 0
  while (at < bytes.length && watch.problem === undefined) {
    if (watch.inText) {
      at = passText(watch, bytes, at)
    } else {
      passByte(watch, bytes[at] ?? 0)
      at += 1
    }
  }
  return watch.problem
}

/** Passes the text that has begun as far as it is there, and returns where to go on. */
function passText(watch: Watch, bytes: Buffer, from: number): number {
  let at = from
  if (watch.escaped) {
    watch.escaped = false
    at += 1
  } else {
    at = passPlain(bytes, from, bytes.length)
    if (at < bytes.length) {
      const byte = bytes[at]
      if (byte === QUOTE) watch.inText = false
      else if (byte === BACKSLASH) watch.escaped = true
      else fail(watch, 'A string has a control character')
      at += 1
    }
  }
  if (watch.keeps !== undefined) keep(watch, bytes.subarray(from, at))
  if (!watch.inText && watch.keeps === 'name') endName(watch)
  return at
}

function passByte(watch: Watch, byte: number): void {
  switch (byte) {
    case QUOTE:
      return startText(watch)
    case COMMA:
      return endMember(watch)
    case COLON:
      if (isScalar(watch)) startKeeping(watch, 'scalar')
      return
    case OPEN_OBJECT:
    case OPEN_ARRAY:
      return open(watch, byte)
    case CLOSE_OBJECT:
    case CLOSE_ARRAY:
      return close(watch)
    case SPACE:
    case 0x09:
    case 0x0a:
    case 0x0d:
      return
    default:
      // Also NUL: some readers would take the bytes for UTF-16 and read other text than is here.
      if (watch.depth === 0 || byte < SPACE || byte >= DELETE) return fail(watch, NOT_ONE)
      if (watch.keeps !== undefined) keep(watch, Uint8Array.of(byte))
  }
}

function startText(watch: Watch): void {
  if (watch.depth === 0) return fail(watch, NOT_ONE)
  watch.inText = true
  if (watch.wantsName && isNamed(watch)) startKeeping(watch, 'name')
  if (watch.keeps !== undefined) keep(watch, Uint8Array.of(QUOTE))
}

/** Whether the value that comes is one that is read. */
function isScalar({ depth, member, namesType }: Watch): boolean {
  return depth === 1 ? member === 'id' || member === 'jsonrpc' : depth === 2 && namesType
}

/** Whether the names at this depth count: those of the envelope and of an object as result. */
function isNamed({ depth, resultHasNames }: Watch): boolean {
  return depth === 1 || (depth === 2 && resultHasNames)
}

function open(watch: Watch, byte: number): void {
  const { depth, member, seen } = watch
  if (depth === 0 && (byte !== OPEN_OBJECT || seen.size > 0)) return fail(watch, NOT_ONE)
  if (watch.keeps === 'scalar')
    return fail(watch, 'id, jsonrpc and resultType must not be containers')
  if (depth === 2 && watch.namesList && byte === OPEN_ARRAY) {
    return fail(watch, 'A list is too large to be filtered')
  }
  watch.depth += 1
  if (depth === 1) watch.resultHasNames = member === 'result' && byte === OPEN_OBJECT
  watch.wantsName = isNamed(watch)
}

function close(watch: Watch): void {
  if (watch.depth === 0) return fail(watch, NOT_ONE)
  endMember(watch)
  watch.wantsName = false
  watch.depth -= 1
  if (watch.depth === 0) endResponse(watch)
}

/** A comma or the end of the container has come. */
function endMember(watch: Watch): void {
  if (!isNamed(watch)) return
  if (watch.keeps === 'scalar') endScalar(watch)
  watch.wantsName = true
  watch.namesList = false
  watch.namesType = false
}

function endResponse(watch: Watch): void {
  const { seen, hasId } = watch
  if (!seen.has('jsonrpc')) return fail(watch, 'jsonrpc must be "2.0"')
  if (seen.has('result') === seen.has('error')) {
    return fail(watch, 'A response needs a result or an error')
  }
  if (seen.has('result') && !hasId) fail(watch, 'A result needs the id of its request')
}

function startKeeping(watch: Watch, what: 'name' | 'scalar'): void {
  watch.keeps = what
  watch.keptBytes = 0
}

function keep(watch: Watch, bytes: Uint8Array): void {
  if (watch.keptBytes + bytes.length > MAX_KEPT_BYTES) {
    return fail(watch, 'A member name or id is too long')
  }
  watch.kept.set(bytes, watch.keptBytes)
  watch.keptBytes += bytes.length
}

/** A cursor at what was kept; names are read as those of an object, so that they are judged as ever. */
function cursorAt(watch: Watch, before: string, after: string): Cursor {
  const kept = watch.kept.subarray(0, watch.keptBytes)
  watch.keeps = undefined
  return createCursor(Buffer.concat([Buffer.from(before), kept, Buffer.from(after)]), ANSWER_BOUNDS)
}

function endName(watch: Watch): void {
  const cursor = cursorAt(watch, '{', ':')
  watch.wantsName = false
  watch.names += 1
  cursor.oddNames = watch.oddNames
  if (watch.names > MAX_NAMES) return fail(watch, 'The answer has too many members')
  if (cursor.problem !== undefined || !enterObject(cursor) || !nextMember(cursor)) {
    return fail(watch, cursor.problem ?? NOT_ONE)
  }
  if (watch.depth === 1) startMember(watch, cursor)
  else startResultMember(watch, cursor)
  watch.oddNames = cursor.oddNames
}

function startResultMember(watch: Watch, cursor: Cursor): void {
  watch.namesList =
    protocolName(cursor, LIST_NAMES) !== undefined || isAlike(watch, cursor, LIST_NAMES)
  if (watch.era === 'legacy') return
  const name = protocolName(cursor, ROUND_NAMES)
  watch.namesType = name === 'resultType'
  if (name === undefined) isAlike(watch, cursor, ROUND_NAMES)
}

function startMember(watch: Watch, cursor: Cursor): void {
  const name = protocolName(cursor, ENVELOPE)
  watch.member = undefined
  if (name === 'method' || name === 'params') {
    return fail(watch, 'A request came where a response was due')
  }
  if (name === undefined) return void isAlike(watch, cursor, ENVELOPE)
  if (watch.seen.has(name)) return fail(watch, 'An object has a member twice')
  watch.seen.add(name)
  watch.member = name
  if (name === 'error') watch.says = 'error'
  else if (name === 'result' && watch.era === 'legacy' && watch.says === 'nothing') {
    watch.says = 'other'
  }
}

function isAlike(watch: Watch, cursor: Cursor, table: NameTable<string>): boolean {
  const alike = isLookAlike(cursor, table)
  if (alike) fail(watch, 'A member name can be mistaken for one of the protocol')
  return alike
}

function endScalar(watch: Watch): void {
  const { member, due } = watch
  const cursor = cursorAt(watch, '', '')
  if (watch.depth === 2) {
    const type = readText(cursor)
    // Whichever of two types a client heeds: what may ask it for more is treated as if it did.
    if (watch.says !== 'input_required') watch.says = type === INPUT_REQUIRED ? type : 'other'
    return
  }
  if (member === 'jsonrpc') {
    if (readText(cursor) !== '2.0') fail(watch, 'jsonrpc must be "2.0"')
    return
  }
  const id = readId(cursor)
  if (id === 'null') return
  if (typeof id === 'string' || !atEnd(cursor))
    return fail(watch, 'id must be a string or an integer')
  if (!sameId(id.text, due)) return fail(watch, 'The response is to another request')
  watch.hasId = true
}

function fail(watch: Watch, problem: string): void {
  watch.problem ??= problem
}
