/** Reads the envelope of one JSON-RPC 2.0 message (§4 and §5, and the stricter rules of MCP). */
import type { Span } from '../model/call.ts'
import { createDraft, type Draft, objectTo, skipOther } from './draft.ts'
import type { Cursor } from './json-cursor.ts'
import { enterObject, nextKind, nextMember, readText, skipValue } from './json-value.ts'
import type { Malformed } from './malformed.ts'
import { protocolName } from './member-names.ts'
import type { Message } from './message.ts'
import { isPlainText } from './plain-text.ts'
import { ENVELOPE } from './protocol-members.ts'
import { readId } from './read-id.ts'
import { readParams } from './read-params.ts'

/** Characters a method may have; it becomes a label of records. The longest specified one has 36. */
const MAX_METHOD_CHARACTERS = 256

export type MessageRead =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly problem: Malformed }

/**
 * Reads the message at the cursor; undefined when the text is not JSON as demanded (the cursor has the
 * problem). What is wrong with the message itself is told only after all of it was read, so that the
 * answer can carry its id.
 */
export function readMessage(cursor: Cursor): MessageRead | undefined {
  if (nextKind(cursor) !== 'object') {
    if (!skipValue(cursor)) return undefined
    return {
      ok: false,
      problem: { code: 'invalid_request', message: 'A message must be an object' },
    }
  }
  const start = cursor.at
  const draft = createDraft()
  enterObject(cursor)
  while (nextMember(cursor)) {
    if (!readMember(cursor, draft)) return undefined
  }
  if (cursor.problem !== undefined) return undefined
  return finish(draft, { start, end: cursor.at }, cursor.bytes)
}

function readMember(cursor: Cursor, draft: Draft): boolean {
  switch (protocolName(cursor, ENVELOPE)) {
    case 'jsonrpc':
      draft.saysVersion2 = readText(cursor) === '2.0'
      break
    case 'id':
      draft.id = readId(cursor)
      break
    case 'method':
      draft.hasMethod = true
      draft.method = readText(cursor)
      break
    case 'params':
      draft.params = readParams(cursor, draft)
      break
    case 'result':
      draft.hasResult = true
      return skipValue(cursor)
    case 'error':
      draft.hasError = true
      return skipValue(cursor)
    case undefined:
      return skipOther(cursor, draft, ENVELOPE)
  }
  return cursor.problem === undefined
}

function finish(draft: Draft, span: Span, bytes: Uint8Array): MessageRead {
  judgeEnvelope(draft)
  const { id, objection } = draft
  const known = typeof id === 'string' ? undefined : id
  if (objection !== undefined) {
    // The id of a response is the other side's: nobody here waits for an answer to it.
    const echo = known === undefined || !draft.hasMethod ? undefined : { id: known.text }
    return { ok: false, problem: { ...objection, ...echo } }
  }
  if (known !== undefined) draft.spans.id = known.span
  return {
    ok: true,
    message: {
      kind: !draft.hasMethod ? 'response' : known === undefined ? 'notification' : 'request',
      bytes,
      span,
      id: known,
      method: draft.method ?? '',
      params: draft.params,
      outcome: draft.hasMethod ? undefined : draft.hasError ? 'error' : 'result',
      spans: draft.spans,
    },
  }
}

function judgeEnvelope(draft: Draft): void {
  const { id, method } = draft
  if (!draft.saysVersion2) objectTo(draft, 'invalid_request', 'jsonrpc must be "2.0"')
  if (id === 'unfit') objectTo(draft, 'invalid_request', 'id must be a string or an integer')
  if (draft.hasMethod) {
    if (method === undefined || !isPlainText(method) || method.length > MAX_METHOD_CHARACTERS) {
      objectTo(draft, 'invalid_request', 'method must be a short string')
    }
    if (id === 'null') objectTo(draft, 'invalid_request', 'id must be a string or an integer')
    if (draft.hasResult || draft.hasError) {
      objectTo(draft, 'invalid_request', 'A request must not have a result or an error')
    }
  } else if (draft.hasResult === draft.hasError) {
    objectTo(draft, 'invalid_request', 'A message needs a method, a result or an error')
  } else if (draft.hasResult && typeof id === 'string') {
    // An error may lack its id: the sender could not read the request it answers.
    objectTo(draft, 'invalid_request', 'A result needs the id of its request')
  }
}
