import type { Span, SpliceName } from '../model/call.ts'
import type { Cursor } from './json-cursor.ts'
import { skipValue } from './json-value.ts'
import type { MalformedCode } from './malformed.ts'
import { isLookAlike, type NameTable } from './member-names.ts'
import type { Params, RpcId } from './message.ts'

/** What has been read of a message so far. */
export type Draft = {
  /** The first thing that is wrong with the message although it is JSON; reading goes on to its end. */
  objection: { readonly code: MalformedCode; readonly message: string } | undefined
  version2: boolean
  id: RpcId | 'absent' | 'null' | 'unfit'
  method: string | undefined
  hasMethod: boolean
  hasResult: boolean
  hasError: boolean
  params: Params | undefined
  readonly spans: Partial<Record<SpliceName, Span>>
  /** Members without a meaning so far, in all objects of `member-names.ts`. */
  others: number
}

/**
 * Members of a message that the protocol gives no meaning to. Each costs a look at what it folds to,
 * some microseconds; the specification has no map that is open there but `_meta`.
 */
const MAX_OTHER_MEMBERS = 1_000

export function createDraft(): Draft {
  return {
    objection: undefined,
    version2: false,
    id: 'absent',
    method: undefined,
    hasMethod: false,
    hasResult: false,
    hasError: false,
    params: undefined,
    spans: {},
    others: 0,
  }
}

/** Notes what is wrong with a message; the first objection stays. */
export function object(draft: Draft, code: MalformedCode, message: string): void {
  draft.objection ??= { code, message }
}

/** Passes a member without a meaning here, and objects when it looks like one that has. */
export function skipOther(cursor: Cursor, draft: Draft, table: NameTable<string>): boolean {
  draft.others += 1
  if (draft.others > MAX_OTHER_MEMBERS) {
    object(draft, 'invalid_request', 'A message has too many members')
  } else if (isLookAlike(cursor, table)) {
    object(draft, 'invalid_request', 'A member name can be mistaken for one of the protocol')
  }
  return skipValue(cursor)
}
