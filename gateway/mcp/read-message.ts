/** Reads the envelope of one JSON-RPC 2.0 message (§4 and §5, and the stricter rules of MCP). */
import type { Span } from '../model/call.ts'
import { createDraft, type Draft, object, skipOther } from './draft.ts'
import { type Cursor, peek } from './json-cursor.ts'
import { enterObject, nextMember, OPEN_OBJECT, readText, skipValue } from './json-value.ts'
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
  if (peek(cursor) !== OPEN_OBJECT) {
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
  return finish(draft, { start, end: cursor.at })
}

function readMember(cursor: Cursor, draft: Draft): boolean {
  switch (protocolName(cursor, ENVELOPE)) {
    case 'jsonrpc':
      draft.version2 = readText(cursor) === '2.0'
      return cursor.problem === undefined
    case 'id':
      draft.id = readId(cursor)
      return cursor.problem === undefined
    case 'method':
      draft.hasMethod = true
      draft.method = readText(cursor)
      return cursor.problem === undefined
    case 'params':
      draft.params = readParams(cursor, draft)
      return cursor.problem === undefined
    case 'result':
      draft.hasResult = true
      return skipValue(cursor)
    case 'error':
      draft.hasError = true
      return skipValue(cursor)
    case undefined:
      return skipOther(cursor, draft, ENVELOPE)
  }
}

function finish(draft: Draft, span: Span): MessageRead {
  judgeEnvelope(draft)
  const { id, objection } = draft
  const known = typeof id === 'string' ? undefined : id
  if (objection !== undefined) {
    const echo = known === undefined || !draft.hasMethod ? undefined : { id: known.text }
    return { ok: false, problem: { ...objection, ...echo } }
  }
  if (known !== undefined) draft.spans.id = known.span
  return {
    ok: true,
    message: {
      kind: !draft.hasMethod ? 'response' : known === undefined ? 'notification' : 'request',
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
  if (!draft.version2) object(draft, 'invalid_request', 'jsonrpc must be "2.0"')
  if (id === 'unfit') object(draft, 'invalid_request', 'id must be a string or an integer')
  if (draft.hasMethod) {
    if (method === undefined || !isPlainText(method) || method.length > MAX_METHOD_CHARACTERS) {
      object(draft, 'invalid_request', 'method must be a short string')
    }
    if (id === 'null') object(draft, 'invalid_request', 'id must be a string or an integer')
    if (draft.hasResult || draft.hasError) {
      object(draft, 'invalid_request', 'A request must not have a result or an error')
    }
  } else if (draft.hasResult === draft.hasError) {
    object(draft, 'invalid_request', 'A message needs a method, a result or an error')
  } else if (draft.hasResult && typeof id === 'string') {
    // An error may lack its id: the sender could not read the request it answers.
    object(draft, 'invalid_request', 'A result needs the id of its request')
  }
}
