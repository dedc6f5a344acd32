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
  saysVersion2: boolean
  id: RpcId | 'absent' | 'null' | 'unfit'
  method: string | undefined
  hasMethod: boolean
  hasResult: boolean
  hasError: boolean
  params: Params | undefined
  readonly spans: Partial<Record<SpliceName, Span>>
}

/** A draft of which nothing has been read. */
export function createDraft(): Draft {
  return {
    objection: undefined,
    saysVersion2: false,
    id: 'absent',
    method: undefined,
    hasMethod: false,
    hasResult: false,
    hasError: false,
    params: undefined,
    spans: {},
  }
}

/** Notes what is wrong with a message; the first objection stays. */
export function objectTo(draft: Draft, code: MalformedCode, message: string): void {
  draft.objection ??= { code, message }
}

/** Passes a member without a meaning here, and objects when it looks like one that has. */
export function skipOther(cursor: Cursor, draft: Draft, table: NameTable<string>): boolean {
  if (isLookAlike(cursor, table)) {
    objectTo(draft, 'invalid_request', 'A member name can be mistaken for one of the protocol')
  }
  return skipValue(cursor)
}
