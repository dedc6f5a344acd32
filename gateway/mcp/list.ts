/**
 * Takes out of a server's answer what a caller may not see, without touching the rest: the answer is
 * sliced around what goes, never written anew. It works by shape and not by method, because a gateway
 * without memory need not know which request an answer on a stream belongs to.
 */
import type { Target, TargetKind } from '../model/call.ts'
import { ANSWER_BOUNDS } from './bounds.ts'
import { type Edit, splice } from './edit.ts'
import { createCursor, type Cursor, fail, peek } from './json-cursor.ts'
import { skipNumber } from './json-scalar.ts'
import {
  atEnd,
  countNode,
  enterArray,
  enterObject,
  nextElement,
  nextKind,
  nextMember,
  readText,
  skipValue,
} from './json-value.ts'
import type { Malformed } from './malformed.ts'
import { isLookAlike, type NameTable, nameTable, protocolName } from './member-names.ts'
import { isPlainText } from './plain-text.ts'
import { ENVELOPE } from './protocol-members.ts'

export type FilterOptions = {
  /** Asked once for every named element, in order. */
  readonly show: (kind: TargetKind, name: string) => boolean
  /**
   * Marks what was read as this caller's own: a `cacheScope` becomes `"private"`, a `ttlMs` at most
   * this many milliseconds. Neither is added where the server sent none, which means the same.
   */
  readonly cache?: { readonly maxTtlMs: number } | undefined
}

export type FilteredAnswer =
  | {
      readonly ok: true
      /** The very `bytes` passed in when nothing had to change. */
      readonly bytes: Uint8Array
      /** Every name seen, shown or not, in order. */
      readonly listed: readonly Target[]
      /** Elements taken out, those without a name included. */
      readonly hidden: number
      /** Whether there is another page; an empty cursor is one too. */
      readonly hasNextCursor: boolean
      readonly nextCursor: string | undefined
    }
  | { readonly ok: false; readonly problem: Malformed }

/** The arrays a result may hold, the kind of what they list and the member that names it. */
const LISTS = {
  tools: { kind: 'tool', names: nameTable(['name']) },
  prompts: { kind: 'prompt', names: nameTable(['name']) },
  resources: { kind: 'resource', names: nameTable(['uri']) },
  resourceTemplates: { kind: 'template', names: nameTable(['uriTemplate']) },
  // Of `resources/read`: reading a directory may answer with other URIs than the one asked for.
  contents: { kind: 'resource', names: nameTable(['uri']) },
} as const satisfies Record<string, { kind: TargetKind; names: NameTable<string> }>

const LIST_NAMES = nameTable(['tools', 'prompts', 'resources', 'resourceTemplates', 'contents'])
const PAGE_NAMES = nameTable(['nextCursor', 'cacheScope', 'ttlMs'])

type Filtering = {
  readonly options: FilterOptions
  readonly edits: Edit[]
  readonly listed: Target[]
  hidden: number
  nextCursor: string | undefined
}

/**
 * Filters one JSON-RPC answer, or an array of them. Where `result` holds an array named in `LISTS`, the
 * elements stay that have a name `show` is true for; an element without a string as its name, or with
 * a member that could be mistaken for it, goes. Order, cursor and `_meta` stay, and an answer without
 * such an array is returned as it is.
 *
 * Refuses with `parse_error` what the strict scanner refuses within `ANSWER_BOUNDS`, and an answer with
 * a member that could be mistaken for `result` or for one of the arrays.
 */
export function filterAnswer(bytes: Uint8Array, options: FilterOptions): FilteredAnswer {
  const cursor = createCursor(bytes, ANSWER_BOUNDS)
  const filtering: Filtering = {
    options,
    edits: [],
    listed: [],
    hidden: 0,
    nextCursor: undefined,
  }
  if (cursor.problem !== undefined || !filterFrame(cursor, filtering) || !atEnd(cursor)) {
    const message = cursor.problem ?? 'Parse error'
    return { ok: false, problem: { code: 'parse_error', message } }
  }
  const { edits, listed, hidden, nextCursor } = filtering
  return {
    ok: true,
    bytes: edits.length === 0 ? bytes : splice(cursor.bytes, edits),
    listed,
    hidden,
    hasNextCursor: nextCursor !== undefined,
    nextCursor,
  }
}

function filterFrame(cursor: Cursor, filtering: Filtering): boolean {
  if (nextKind(cursor) !== 'array') return filterMessage(cursor, filtering)
  enterArray(cursor)
  while (nextElement(cursor)) {
    if (!filterMessage(cursor, filtering)) return false
  }
  return cursor.problem === undefined
}

function filterMessage(cursor: Cursor, filtering: Filtering): boolean {
  if (nextKind(cursor) !== 'object') return skipValue(cursor)
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, ENVELOPE)
    if (name === undefined && isLookAlike(cursor, ENVELOPE)) return failAlike(cursor)
    const passed =
      name === 'result' && nextKind(cursor) === 'object'
        ? filterResult(cursor, filtering)
        : skipValue(cursor)
    if (!passed) return false
  }
  return cursor.problem === undefined
}

function filterResult(cursor: Cursor, filtering: Filtering): boolean {
  const before = filtering.edits.length
  let isList = false
  enterObject(cursor)
  while (nextMember(cursor)) {
    const list = protocolName(cursor, LIST_NAMES)
    if (list === undefined) {
      if (isLookAlike(cursor, LIST_NAMES)) return failAlike(cursor)
      if (!readPageMember(cursor, filtering)) return false
    } else if (nextKind(cursor) === 'array') {
      isList = true
      if (!filterList(cursor, filtering, LISTS[list])) return false
    } else if (!skipValue(cursor)) return false
  }
  // Without a list the only edits are cache marks, on an answer that is the same for everyone.
  if (!isList) filtering.edits.length = before
  return cursor.problem === undefined
}

function filterList(
  cursor: Cursor,
  filtering: Filtering,
  list: { readonly kind: TargetKind; readonly names: NameTable<string> },
): boolean {
  const { edits, listed, options } = filtering
  /** Start of the removed elements that nothing shown stands before. */
  let leading: number | undefined
  let anyShown = false
  let end = cursor.at
  enterArray(cursor)
  while (nextElement(cursor)) {
    peek(cursor)
    const start = cursor.at
    const name = readElementName(cursor, list.names)
    if (cursor.problem !== undefined) return false
    if (name !== undefined) listed.push({ kind: list.kind, name })
    if (name !== undefined && options.show(list.kind, name)) {
      if (leading !== undefined) edits.push({ start: leading, end: start, text: '' })
      leading = undefined
      anyShown = true
    } else {
      filtering.hidden += 1
      // Behind something shown, the comma before goes with it; else the comma after, see above.
      if (anyShown) edits.push({ start: end, end: cursor.at, text: '' })
      else leading ??= start
    }
    end = cursor.at
  }
  if (leading !== undefined) edits.push({ start: leading, end, text: '' })
  return cursor.problem === undefined
}

/** Passes an element and returns its name, if it has exactly one that can be trusted. */
function readElementName(cursor: Cursor, names: NameTable<string>): string | undefined {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return undefined
  }
  let name: string | undefined
  let alike = false
  enterObject(cursor)
  while (nextMember(cursor)) {
    if (protocolName(cursor, names) !== undefined) {
      name = readText(cursor)
    } else {
      alike ||= isLookAlike(cursor, names)
      skipValue(cursor)
    }
    if (cursor.problem !== undefined) break
  }
  return name !== undefined && !alike && isPlainText(name) ? name : undefined
}

/** Passes a member of a result that is no list, and notes what must change about caching. */
function readPageMember(cursor: Cursor, filtering: Filtering): boolean {
  const { cache } = filtering.options
  const name = protocolName(cursor, PAGE_NAMES)
  peek(cursor)
  const start = cursor.at
  let text: string | undefined
  if (name === 'nextCursor') {
    filtering.nextCursor = readText(cursor)
  } else if (name === 'cacheScope' && cache !== undefined) {
    text = readText(cursor) === 'private' ? undefined : '"private"'
  } else if (name === 'ttlMs' && cache !== undefined) {
    const ttlMs = readNumber(cursor)
    // What is no lifetime at all counts as none.
    const clampedMs = ttlMs >= 0 ? Math.min(ttlMs, Math.floor(cache.maxTtlMs)) : 0
    text = clampedMs === ttlMs ? undefined : String(clampedMs)
  } else {
    skipValue(cursor)
  }
  if (text !== undefined) filtering.edits.push({ start, end: cursor.at, text })
  return cursor.problem === undefined
}

/** Passes a value and returns its number, NaN when it is none. */
function readNumber(cursor: Cursor): number {
  const kind = nextKind(cursor)
  const start = cursor.at
  if (kind !== 'number') {
    skipValue(cursor)
    return Number.NaN
  }
  return countNode(cursor) && skipNumber(cursor)
    ? Number(cursor.bytes.toString('latin1', start, cursor.at))
    : Number.NaN
}

function failAlike(cursor: Cursor): false {
  return fail(cursor, 'A member name can be mistaken for one of the protocol')
}
