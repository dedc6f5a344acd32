/**
 * Takes out of a server's response what a caller may not see, without touching the rest: the response
 * is sliced around what goes, never written anew. It works by shape and not by method, because a gateway
 * without memory need not know which request a response on a stream belongs to.
 */
import type { Target, TargetKind } from '../model/call.ts'
import { ANSWER_BOUNDS } from './bounds.ts'
import { cutElements } from './cut-elements.ts'
import { type Edit, splice } from './edit.ts'
import type { Asking } from './capabilities.ts'
import { passError } from './error-links.ts'
import { asksAnything, createRound, readRoundMember, type Round } from './input-required.ts'
import { createCursor, type Cursor, fail, peek } from './json-cursor.ts'
import {
  atEnd,
  countNodes,
  enterObject,
  nextKind,
  nextMember,
  readNumber,
  readText,
  skipValue,
} from './json-value.ts'
import type { KnownElement, KnownList, KnownLists } from './known-lists.ts'
import type { Malformed } from './malformed.ts'
import { isLookAlike, type NameTable, nameTable, protocolName } from './member-names.ts'
import type { RpcId } from './message.ts'
import { isPlainText } from './plain-text.ts'
import { ENVELOPE, META, META_RELATED_TASK } from './protocol-members.ts'
import { readId, sameId } from './read-id.ts'

export type FilterOptions = {
  /**
   * The request it must answer: its id as its bytes read. An error may lack an id all the same, from a
   * server that could not read the request. Without it the response may have any.
   */
  readonly id?: string | undefined
  /** Asked once for every named element, in order. */
  readonly show: (kind: TargetKind, name: string) => boolean
  /**
   * Marks lists, what was read and the answer to `server/discover` as this caller's own: a `cacheScope`
   * becomes `"private"`, a `ttlMs` at most this many milliseconds. Neither is added where the server sent
   * none, which means the same.
   */
  readonly cache?: { readonly maxTtlMs: number } | undefined
  /**
   * For answers of the modern era: what a client is given in place of a server's `requestState`, whose
   * JSON string it gets as its bytes read; undefined for one that must not be taken. Without it an
   * `input_required` result is like any other.
   */
  readonly sealState?: ((state: string) => string | undefined) | undefined
  /** Lists of the same server, which are not read again. */
  readonly known?: KnownLists | undefined
}

export type FilteredAnswer =
  | {
      readonly ok: true
      /** The very `bytes` passed in when nothing had to change. */
      readonly bytes: Uint8Array
      /** Every name seen, shown or not, in order. */
      readonly listed: readonly Target[]
      /** The list of tools in it, if any: the same object for the same text, unless it is not kept. */
      readonly tools: KnownList | 'not_kept' | undefined
      /** Whether there is a list in it that was not known. */
      readonly news: boolean
      /** The cursor of the next page; an empty one is one too. */
      readonly nextCursor: string | undefined
      /** What an `input_required` result, or a task, asks of its client, in order; undefined for any other. */
      readonly inputs: readonly Asking[] | undefined
      /** Whether ids of tasks may stand in it, for `renameTasks`; they are not filtered here. */
      readonly namesTasks: boolean
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

/** Their names, which are what a response is recognised by. */
export const LIST_NAMES = nameTable([
  'tools',
  'prompts',
  'resources',
  'resourceTemplates',
  'contents',
  'tasks',
])
const PAGE_NAMES = nameTable([
  'nextCursor',
  'cacheScope',
  'ttlMs',
  'task',
  'taskId',
  '_meta',
  // Of `server/discover`, which is for those who may connect.
  'supportedVersions',
])

type Filtering = {
  readonly options: FilterOptions
  readonly edits: Edit[]
  readonly listed: Target[]
  /** Lists to be known with the answer, since one that is refused teaches nothing. */
  read: KnownList[] | undefined
  nextCursor: string | undefined
  /** Undefined where rounds have no meaning. */
  readonly round: Round | undefined
  namesTasks: boolean
  news: boolean
  /** Whether it is a result that clients keep, and not one that is the same for everyone. */
  isKept: boolean
  tools: KnownList | 'not_kept' | undefined
}

const NONE: readonly KnownList[] = []

/** What has been read of the envelope of a response. */
type Envelope = {
  saysVersion2: boolean
  id: RpcId | 'absent' | 'null' | 'unfit'
  hasResult: boolean
  hasError: boolean
  /** Whether it has a member of a request or notification. */
  asks: boolean
  /** Whether its error sends a person to what is no page of the web. */
  sendsAstray: boolean
}

/**
 * Filters one JSON-RPC response. Where `result` holds an array named in `LISTS`, the elements stay that
 * have a name `show` is true for; an element without a string as its name, or with a member that could
 * be mistaken for it, goes. Order, cursor and `_meta` stay, and a response without such an array is
 * returned as it is.
 *
 * Refuses with `parse_error` what the strict scanner refuses within `ANSWER_BOUNDS` and a response with
 * a member that could be mistaken for one of the envelope or for one of the arrays; with
 * `invalid_request` whatever is not exactly one response to the request of `options.id`: an array, a
 * request or notification, the response to another request; and an `input_required` result that is not
 * as specified, where `options.sealState` says that there may be one.
 */
export function filterAnswer(bytes: Uint8Array, options: FilterOptions): FilteredAnswer {
  const cursor = createCursor(bytes, ANSWER_BOUNDS)
  const round = options.sealState === undefined ? undefined : createRound()
  const filtering: Filtering = {
    options,
    edits: [],
    listed: [],
    read: undefined,
    nextCursor: undefined,
    namesTasks: false,
    news: false,
    isKept: false,
    tools: undefined,
    round,
  }
  if (cursor.problem !== undefined) return unreadable(cursor)
  if (nextKind(cursor) !== 'object') return invalid('An answer must be one JSON-RPC response')
  const envelope: Envelope = {
    saysVersion2: false,
    id: 'absent',
    hasResult: false,
    hasError: false,
    asks: false,
    sendsAstray: false,
  }
  enterObject(cursor)
  while (nextMember(cursor)) {
    if (!readMember(cursor, filtering, envelope)) break
  }
  if (!atEnd(cursor)) return unreadable(cursor)
  const objection = objectionTo(envelope, options.id)
  if (objection !== undefined) return invalid(objection)
  const { edits, listed, nextCursor, namesTasks, news } = filtering
  // A task asks for what it waits for in a result that is complete (tasks extension, `tasks/get`).
  const asks = round !== undefined && (round.required || (namesTasks && asksAnything(round)))
  if (asks) {
    const unfit = round.unfit ?? (round.required ? sealRound(cursor, filtering, round) : undefined)
    if (unfit !== undefined) return invalid(unfit)
  }
  for (const list of filtering.read ?? NONE) {
    const kept = options.known?.keep(list)
    if (list.member === 'tools') filtering.tools = kept ?? 'not_kept'
  }
  const { tools } = filtering
  const shown = edits.length === 0 ? bytes : splice(cursor.bytes, edits)
  const inputs = asks ? round.asked : undefined
  return { ok: true, bytes: shown, listed, nextCursor, namesTasks, news, tools, inputs }
}

/** Notes the edit that seals the server's state, in its place; returns what is wrong with the state. */
function sealRound(
  { bytes }: Cursor,
  { options, edits }: Filtering,
  { state }: Round,
): string | undefined {
  if (state === undefined) return undefined
  const sealed = options.sealState?.(bytes.toString('utf8', state.start, state.end))
  if (sealed === undefined) return 'requestState must not be so long'
  edits.push({ ...state, text: `"${sealed}"` })
  edits.sort((one, other) => one.start - other.start)
  return undefined
}

function unreadable({ problem }: Cursor): FilteredAnswer {
  return { ok: false, problem: { code: 'parse_error', message: problem ?? 'Parse error' } }
}

function invalid(message: string): FilteredAnswer {
  return { ok: false, problem: { code: 'invalid_request', message } }
}

function readMember(cursor: Cursor, filtering: Filtering, envelope: Envelope): boolean {
  switch (protocolName(cursor, ENVELOPE)) {
    case 'jsonrpc':
      envelope.saysVersion2 = readText(cursor) === '2.0'
      break
    case 'id':
      envelope.id = readId(cursor)
      break
    case 'result':
      envelope.hasResult = true
      return nextKind(cursor) === 'object' ? filterResult(cursor, filtering) : skipValue(cursor)
    case 'error':
      envelope.hasError = true
      envelope.sendsAstray = passError(cursor)
      break
    case 'method':
    case 'params':
      envelope.asks = true
      return skipValue(cursor)
    case undefined:
      return isLookAlike(cursor, ENVELOPE) ? failAlike(cursor) : skipValue(cursor)
  }
  return cursor.problem === undefined
}

/** What keeps this from being the response that is due (JSON-RPC 2.0 §5); undefined when nothing does. */
function objectionTo(
  { saysVersion2, id, hasResult, hasError, asks, sendsAstray }: Envelope,
  due: string | undefined,
): string | undefined {
  if (!saysVersion2) return 'jsonrpc must be "2.0"'
  if (asks) return 'A request came where a response was due'
  if (hasResult === hasError) return 'A response needs a result or an error'
  if (sendsAstray) return 'An error sends people to what is no web address'
  if (id === 'unfit') return 'id must be a string or an integer'
  if (typeof id === 'string') return hasResult ? 'A result needs the id of its request' : undefined
  return due === undefined || sameId(id.text, due)
    ? undefined
    : 'The response is to another request'
}

function filterResult(cursor: Cursor, filtering: Filtering): boolean {
  const before = filtering.edits.length
  enterObject(cursor)
  while (nextMember(cursor)) {
    const list = protocolName(cursor, LIST_NAMES)
    if (list === undefined) {
      if (isLookAlike(cursor, LIST_NAMES)) return failAlike(cursor)
      const { round } = filtering
      if (round !== undefined && readRoundMember(cursor, round)) {
        if (cursor.problem !== undefined) return false
      } else if (!readPageMember(cursor, filtering)) return false
    } else if (nextKind(cursor) === 'array') {
      filtering.isKept = true
      if (list === 'tasks') {
        filtering.namesTasks = true
        if (!skipValue(cursor)) return false
      } else if (!filterList(cursor, filtering, list)) return false
    } else if (!skipValue(cursor)) return false
  }
  // Of any other the only edits are cache marks.
  if (!filtering.isKept) filtering.edits.length = before
  return cursor.problem === undefined
}

function filterList(cursor: Cursor, filtering: Filtering, member: keyof typeof LISTS): boolean {
  const { edits, listed, options } = filtering
  const { kind, names } = LISTS[member]
  const start = cursor.at
  const known = options.known?.find(member, cursor.bytes, start)
  const read: KnownElement[] = []
  const nodesBefore = cursor.nodes
  const oddNamesBefore = cursor.oddNames
  let index = 0
  const nameOf = known
    ? () => passKnown(cursor, known.elements[index++])
    : () => readElement(cursor, names, read)
  const done = cutElements(cursor, edits, () => {
    const name = nameOf()
    if (name === undefined || cursor.problem !== undefined) return false
    listed.push({ kind, name })
    return options.show(kind, name)
  })
  if (member === 'tools') filtering.tools = known ?? 'not_kept'
  if (known !== undefined) return done && countNodes(cursor, known.nodes)
  filtering.news = true
  // Member names that had to be folded are counted one by one, and what is read seldom comes twice.
  if (done && cursor.oddNames === oddNamesBefore && member !== 'contents') {
    const text = cursor.bytes.subarray(start, cursor.at)
    const nodes = cursor.nodes - nodesBefore - 1
    ;(filtering.read ??= []).push({ member, text, elements: read, nodes })
  }
  return done
}

/** Passes an element of a known list and returns its name. */
function passKnown(cursor: Cursor, element: KnownElement | undefined): string | undefined {
  cursor.at += element?.bytes ?? 0
  return element?.name
}

function readElement(
  cursor: Cursor,
  names: NameTable<string>,
  read: KnownElement[],
): string | undefined {
  const start = cursor.at
  const name = readElementName(cursor, names)
  read.push({ name, bytes: cursor.at - start })
  return name
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
  } else if (name === '_meta' && nextKind(cursor) === 'object') {
    readMeta(cursor, filtering)
  } else {
    filtering.namesTasks ||= name === 'task' || name === 'taskId'
    filtering.isKept ||= name === 'supportedVersions'
    skipValue(cursor)
  }
  if (text !== undefined) filtering.edits.push({ start, end: cursor.at, text })
  return cursor.problem === undefined
}

function readMeta(cursor: Cursor, filtering: Filtering): void {
  enterObject(cursor)
  while (nextMember(cursor)) {
    filtering.namesTasks ||= protocolName(cursor, META) === META_RELATED_TASK
    if (!skipValue(cursor)) break
  }
}

function failAlike(cursor: Cursor): false {
  return fail(cursor, 'A member name can be mistaken for one of the protocol')
}
