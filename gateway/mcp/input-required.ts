/**
 * Reads the members of a result by which a server of the modern era asks its client for more before it
 * goes on (MCP 2026-07-28, "Multi Round-Trip Requests"): what it asks, and what it wants back with it.
 */
import type { Span } from '../model/call.ts'
import type { Asking } from './capabilities.ts'
import { type Cursor, fail } from './json-cursor.ts'
import { enterObject, nextKind, nextMember, readText, skipValue } from './json-value.ts'
import { isLookAlike, nameTable, protocolName } from './member-names.ts'
import { isPlainText } from './plain-text.ts'
import { ENVELOPE } from './protocol-members.ts'

/** The `resultType` of a result that is none yet. */
export const INPUT_REQUIRED = 'input_required'

/** Requests in one result. Each is judged and recorded on its own, so they must not be a flood. */
const MAX_REQUESTS = 100

/** The members of a result that make a round; a result may hold any others. */
export const ROUND_NAMES = nameTable(['resultType', 'requestState', 'inputRequests'])

/** What of the params of a request in it matters here. */
const ASKED = nameTable(['mode', 'url'])

/** What has been read of them, in whatever order they come. */
export type Round = {
  /** Whether the result is of the type `input_required`; the rest counts only then. */
  required: boolean
  /** Where `requestState` stands, quotes included. */
  state: Span | undefined
  /** Each entry of `inputRequests`, in order. */
  readonly asked: Asking[]
  /** What is not as specified. */
  unfit: string | undefined
}

/** A round of which nothing has been read. */
export function createRound(): Round {
  return { required: false, state: undefined, asked: [], unfit: undefined }
}

/** Whether there are requests, or what should be some. */
export function asksAnything({ asked, unfit }: Pick<Round, 'asked' | 'unfit'>): boolean {
  return asked.length > 0 || unfit !== undefined
}

/**
 * Passes the value of the member just read if it is one of a round. One that could be mistaken for such
 * a member is a problem of the text: its reader could take it for what was not judged.
 */
export function readRoundMember(cursor: Cursor, round: Round): boolean {
  switch (protocolName(cursor, ROUND_NAMES)) {
    case 'resultType':
      round.required = readText(cursor) === INPUT_REQUIRED
      return true
    case 'requestState':
      readState(cursor, round)
      return true
    case 'inputRequests':
      readRequests(cursor, round)
      return true
    case undefined:
      if (!isLookAlike(cursor, ROUND_NAMES)) return false
      fail(cursor, 'A member name can be mistaken for one of the protocol')
      return true
  }
}

function readState(cursor: Cursor, round: Round): void {
  if (nextKind(cursor) !== 'string') round.unfit ??= 'requestState must be a string'
  const start = cursor.at
  skipValue(cursor)
  round.state = { start, end: cursor.at }
}

/** Passes the value of `inputRequests`. */
export function readRequests(cursor: Cursor, round: Pick<Round, 'asked' | 'unfit'>): void {
  if (nextKind(cursor) !== 'object') {
    round.unfit ??= 'inputRequests must be an object'
    skipValue(cursor)
    return
  }
  enterObject(cursor)
  while (nextMember(cursor)) {
    const asking = readAsking(cursor)
    if (cursor.problem !== undefined) return
    if (asking === undefined) round.unfit ??= 'inputRequests must hold requests'
    else if (round.asked.length === MAX_REQUESTS) round.unfit ??= 'inputRequests are too many'
    else round.asked.push(asking)
  }
}

/** Passes one request and returns it, if it has a method that every reader would find. */
function readAsking(cursor: Cursor): Asking | undefined {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return undefined
  }
  let method: string | undefined
  let asked: Pick<Asking, 'mode' | 'url'> = NOTHING_ASKED
  let alike = false
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, ENVELOPE)
    if (name === 'method') {
      method = readText(cursor)
    } else if (name === 'params') {
      asked = readAsked(cursor)
    } else {
      if (name === undefined) alike ||= isLookAlike(cursor, ENVELOPE)
      skipValue(cursor)
    }
    if (cursor.problem !== undefined) return undefined
  }
  return method !== undefined && !alike && isPlainText(method) ? { method, ...asked } : undefined
}

const NOTHING_ASKED = { mode: undefined, url: undefined } as const

/** Passes the params of one request; mode and URL are empty where readers may differ about them. */
function readAsked(cursor: Cursor): Pick<Asking, 'mode' | 'url'> {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return NOTHING_ASKED
  }
  let mode: string | undefined
  let url: string | undefined
  let alike = false
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, ASKED)
    if (name === 'mode') mode = readText(cursor) ?? ''
    else if (name === 'url') url = readText(cursor) ?? ''
    else {
      alike ||= isLookAlike(cursor, ASKED)
      skipValue(cursor)
    }
    if (cursor.problem !== undefined) break
  }
  return alike ? { mode: '', url: '' } : { mode, url }
}
