import { messageOf } from '../model/message-of.ts'
import type { Problem } from './operation.ts'
import { StoreError } from './store-error.ts'

/** Result codes of SQLite that mean something to whoever asked (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_FULL = 13

/** Whether SQLite says that another connection holds a lock that this one needs. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === SQLITE_BUSY || code === SQLITE_LOCKED
}

/** Returns what went wrong with a transaction on `file`, in the words of `StoreError`. */
export function problemOf(error: unknown, file: string): Problem {
  if (error instanceof StoreError) return { code: error.code, message: error.message }
  if (isBusy(error)) return { code: 'busy', message: `another process kept ${file} locked` }
  const why = messageOf(error)
  const code = resultCode(error) === SQLITE_FULL ? 'full' : 'failed'
  return { code, message: `${file}: ${why}` }
}

/** The primary result code, which is the low byte of the extended one; undefined for other errors. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return Number(error.errcode) & 0xff
}
