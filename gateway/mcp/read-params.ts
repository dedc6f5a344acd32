/** Reads `params` of one message: what decisions depend on, and where replaceable values stand. */
import type { SpliceName } from '../model/call.ts'
import { readCapabilities } from './capabilities.ts'
import { type Draft, objectTo, skipOther } from './draft.ts'
import { createRound, readRequests } from './input-required.ts'
import { type Cursor, peek } from './json-cursor.ts'
import {
  enterArray,
  enterObject,
  nextElement,
  nextKind,
  nextMember,
  readText,
  skipValue,
} from './json-value.ts'
import { protocolName } from './member-names.ts'
import type { Listening, ListName, Meta, Params, Ref } from './message.ts'
import { isPlainText } from './plain-text.ts'
import {
  LISTENING,
  META,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
  META_RELATED_TASK,
  PARAMS,
  REF,
  TASK,
} from './protocol-members.ts'
import { readId } from './read-id.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Passes the value of `params`; undefined (with an objection) when it is not an object. */
export function readParams(cursor: Cursor, draft: Draft): Params | undefined {
  if (nextKind(cursor) !== 'object') {
    objectTo(draft, 'invalid_params', 'params must be an object')
    skipValue(cursor)
    return undefined
  }
  const params: Writable<Params> = {
    name: undefined,
    uri: undefined,
    taskId: undefined,
    requestState: undefined,
    protocolVersion: undefined,
    capabilities: undefined,
    mode: undefined,
    url: undefined,
    inputs: undefined,
    requestId: undefined,
    ref: undefined,
    listening: undefined,
    meta: undefined,
    arguments: undefined,
    argumentsFit: true,
  }
  enterObject(cursor)
  while (nextMember(cursor)) {
    if (!readParam(cursor, draft, params)) break
  }
  return params
}

function readParam(cursor: Cursor, draft: Draft, params: Writable<Params>): boolean {
  switch (protocolName(cursor, PARAMS)) {
    case 'name':
      params.name = readPlain(cursor, draft)
      break
    case 'arguments':
      return readArguments(cursor, params)
    case '_meta':
      params.meta = readMeta(cursor, draft)
      break
    case 'uri':
      params.uri = readPlain(cursor, draft)
      break
    case 'taskId':
      params.taskId = readSpan(cursor, draft, 'taskId', readPlain)
      break
    case 'requestState':
      params.requestState = readSpan(cursor, draft, 'requestState', readText)
      break
    case 'inputResponses':
      readSpan(cursor, draft, 'inputResponses', skipValue)
      break
    case 'requestId': {
      const id = readSpan(cursor, draft, 'requestId', readId)
      params.requestId = typeof id === 'string' ? undefined : id
      break
    }
    case 'ref':
      params.ref = readRef(cursor, draft)
      break
    case 'notifications':
      params.listening = readListening(cursor, draft)
      break
    case 'protocolVersion':
      params.protocolVersion = readText(cursor)
      break
    case 'capabilities':
      params.capabilities = readCapabilities(cursor)
      break
    case 'mode':
      params.mode = readText(cursor) ?? ''
      break
    case 'url':
      params.url = readText(cursor) ?? ''
      break
    case 'inputRequests':
      params.inputs = createRound()
      readRequests(cursor, params.inputs)
      break
    case undefined:
      return skipOther(cursor, draft, PARAMS)
    default:
      return skipValue(cursor)
  }
  return cursor.problem === undefined
}

/** Reads a value with `read` and notes where it stands. */
function readSpan<T>(
  cursor: Cursor,
  draft: Draft,
  name: SpliceName,
  read: (cursor: Cursor, draft: Draft) => T,
): T {
  peek(cursor)
  const start = cursor.at
  const value = read(cursor, draft)
  draft.spans[name] = { start, end: cursor.at }
  return value
}

/** A text that names something; see `isPlainText`. */
function readPlain(cursor: Cursor, draft: Draft): string | undefined {
  const text = readText(cursor)
  if (text !== undefined && !isPlainText(text)) {
    objectTo(
      draft,
      'invalid_params',
      'A name has a control character or is not well-formed Unicode',
    )
  }
  return text
}

function readArguments(cursor: Cursor, params: Writable<Params>): boolean {
  const kind = nextKind(cursor)
  const start = cursor.at
  if (!skipValue(cursor)) return false
  params.arguments = { start, end: cursor.at }
  params.argumentsFit = kind === 'object' || kind === 'null'
  return true
}

function readMeta(cursor: Cursor, draft: Draft): Meta | undefined {
  if (nextKind(cursor) !== 'object') {
    objectTo(draft, 'invalid_params', 'params._meta must be an object')
    skipValue(cursor)
    return undefined
  }
  const meta: Writable<Meta> = {
    claimsModern: false,
    protocolVersion: undefined,
    clientCapabilities: undefined,
    traceparent: undefined,
    tracestate: undefined,
  }
  enterObject(cursor)
  while (nextMember(cursor)) {
    switch (protocolName(cursor, META)) {
      case META_PROTOCOL_VERSION:
        meta.claimsModern = true
        meta.protocolVersion = readText(cursor)
        break
      case META_CLIENT_CAPABILITIES:
        meta.clientCapabilities = readCapabilities(cursor)
        break
      case 'traceparent':
        meta.traceparent = readText(cursor)
        break
      case 'tracestate':
        meta.tracestate = readText(cursor)
        break
      case META_RELATED_TASK:
        readRelatedTask(cursor, draft)
        break
      case undefined:
        skipOther(cursor, draft, META)
        break
      default:
        skipValue(cursor)
    }
    if (cursor.problem !== undefined) break
  }
  return meta
}

/** Notes where the task stands that a message belongs to (MCP 2025-11-25, tasks). */
function readRelatedTask(cursor: Cursor, draft: Draft): void {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return
  }
  enterObject(cursor)
  while (nextMember(cursor)) {
    if (protocolName(cursor, TASK) === undefined) skipOther(cursor, draft, TASK)
    else if (readSpan(cursor, draft, 'relatedTask', readText) === undefined) {
      objectTo(draft, 'invalid_params', 'The related task is not a string')
    }
    if (cursor.problem !== undefined) break
  }
}

function readRef(cursor: Cursor, draft: Draft): Ref | undefined {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return undefined
  }
  const ref: Writable<Ref> = { type: undefined, name: undefined, uri: undefined }
  enterObject(cursor)
  while (nextMember(cursor)) {
    const name = protocolName(cursor, REF)
    if (name === undefined) skipOther(cursor, draft, REF)
    else if (name === 'title') skipValue(cursor)
    else ref[name] = readPlain(cursor, draft)
    if (cursor.problem !== undefined) break
  }
  return ref
}

function readListening(cursor: Cursor, draft: Draft): Listening | undefined {
  if (nextKind(cursor) !== 'object') {
    skipValue(cursor)
    return undefined
  }
  let resources: readonly string[] | undefined = []
  let tasks: readonly string[] | undefined = []
  const lists: ListName[] = []
  enterObject(cursor)
  while (nextMember(cursor)) {
    switch (protocolName(cursor, LISTENING)) {
      case 'resourceSubscriptions':
        resources = readSpan(cursor, draft, 'resourceSubscriptions', readPlainList)
        break
      case 'taskIds':
        tasks = readSpan(cursor, draft, 'taskIds', readPlainList)
        break
      case 'toolsListChanged':
        readWish(cursor, 'tools', lists)
        break
      case 'promptsListChanged':
        readWish(cursor, 'prompts', lists)
        break
      case 'resourcesListChanged':
        readWish(cursor, 'resources', lists)
        break
      case undefined:
        skipOther(cursor, draft, LISTENING)
        break
    }
    if (cursor.problem !== undefined) break
  }
  return resources === undefined || tasks === undefined ? undefined : { resources, tasks, lists }
}

function readWish(cursor: Cursor, list: ListName, lists: ListName[]): void {
  if (nextKind(cursor) === 'true') lists.push(list)
  skipValue(cursor)
}

/** A list of names; undefined when the value is not an array or holds anything but strings. */
function readPlainList(cursor: Cursor, draft: Draft): readonly string[] | undefined {
  if (nextKind(cursor) !== 'array') {
    skipValue(cursor)
    return undefined
  }
  const names: string[] = []
  let fit = true
  enterArray(cursor)
  while (nextElement(cursor)) {
    const name = readPlain(cursor, draft)
    if (cursor.problem !== undefined) break
    if (name === undefined) fit = false
    else names.push(name)
  }
  return fit ? names : undefined
}
