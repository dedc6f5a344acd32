/** What crosses between the main thread and the thread that holds the database. */
import type { Stored } from '../model/store.ts'
import type { StoreProblem } from './store-error.ts'

/** One operation. Epoch milliseconds come from the asking side, so that a store has one clock. */
export type Operation =
  | { readonly verb: 'get'; readonly key: string; readonly nowMs: number }
  | { readonly verb: 'put'; readonly key: string; readonly value: string; readonly endsAtMs: Ends }
  | {
      readonly verb: 'cas'
      readonly key: string
      readonly expected: number
      readonly value: string
      readonly nowMs: number
      readonly endsAtMs: Ends
    }
  | { readonly verb: 'consume'; readonly key: string; readonly nowMs: number }
  | {
      readonly verb: 'lease'
      readonly key: string
      readonly holder: string
      readonly nowMs: number
      readonly endsAtMs: number
    }
  | { readonly verb: 'release'; readonly key: string; readonly holder: string }
  | {
      readonly verb: 'count'
      readonly key: string
      readonly by: number
      readonly nowMs: number
      readonly endsAtMs: number
    }
  | {
      readonly verb: 'list'
      /** First key, inclusive. */
      readonly from: string
      /** First key that is not listed any more; undefined lists to the end. */
      readonly to: string | undefined
      readonly limit: number
      readonly nowMs: number
    }
  | { readonly verb: 'sweep'; readonly nowMs: number; readonly maxRows: number }

/** When a value ends; undefined stays. */
type Ends = number | undefined

export type Verb = Operation['verb']

/** The operation of one verb. */
export type OperationOf<V extends Verb> = Extract<Operation, { readonly verb: V }>

export type ListedEntry = {
  readonly key: string
  readonly value: string
  readonly version: number
}

/** What each operation results in. */
export type Results = {
  readonly get: Stored | undefined
  readonly put: undefined
  readonly cas: boolean
  readonly consume: string | undefined
  readonly lease: boolean
  readonly release: undefined
  readonly count: number
  readonly list: readonly ListedEntry[]
  readonly sweep: number
}

/** An operation, and the number its answer has. */
export type Asked = { readonly id: number; readonly operation: Operation }

/** To the database thread. After `close` nothing more is sent. */
export type Request =
  | { readonly type: 'operations'; readonly asked: readonly Asked[] }
  | { readonly type: 'close' }

/** From the database thread: first `ready` or `not_opened`, then answers, one message per transaction. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'not_opened'; readonly problem: Problem }
  | { readonly type: 'answers'; readonly answers: readonly Answer[] }

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly problem: Problem }

export type Problem = { readonly code: StoreProblem; readonly message: string }

/** Whether the operation may change the database. */
export function isWrite(operation: Operation): boolean {
  return operation.verb !== 'get' && operation.verb !== 'list'
}
