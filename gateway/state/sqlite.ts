/**
 * The driver that keeps state in one SQLite file on a local disk, the default. SQLite blocks the
 * thread that uses it, so a thread of its own holds the file (`sqlite-worker.ts`). A write is
 * acknowledged after its transaction is synced to disk (`synchronous = FULL`): it survives a crash
 * of the process and a loss of power. Several processes of one machine may use the same file; for
 * more machines there are other drivers. Messages reach subscribers of this process only, so what
 * other processes must notice is a row that they read from time to time.
 */
import { Worker } from 'node:worker_threads'
import { createAskedStore } from './asked-store.ts'
import type { SqliteWorkerData } from './sqlite-worker.ts'
import type { SweptStore } from './swept-store.ts'
import { createTopics } from './topics.ts'
import { createWorkerLine } from './worker-line.ts'

/** Milliseconds a transaction waits while another process holds the lock; then it fails as `busy`. */
export const BUSY_GIVE_UP_MS = 4000

/**
 * Milliseconds until an operation is given up: a group that waits for the lock, behind another that
 * did. A write that timed out may still happen.
 */
export const OPERATION_TIMEOUT_MS = 10_000

export type SqliteStoreOptions = {
  /** Absolute path. Created with mode 0600 when it does not exist; its directory must. */
  readonly file: string
  /** Epoch milliseconds; the system clock by default. */
  readonly now?: () => number
  /** Default `BUSY_GIVE_UP_MS`. */
  readonly busyGiveUpMs?: number
  /** Default `OPERATION_TIMEOUT_MS`. */
  readonly timeoutMs?: number
}

/**
 * Opens the file, creating or migrating it as needed.
 *
 * @throws {StoreError} `failed` when the file cannot be used (the text says why and what to do),
 * `busy` when another process keeps it locked.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SweptStore> {
  const { file, now = Date.now, busyGiveUpMs = BUSY_GIVE_UP_MS } = options
  const data: SqliteWorkerData = { file, busyGiveUpMs }
  // The thread needs no environment, and it may hold secrets.
  const worker = new Worker(workerUrl(), { workerData: data, env: {}, execArgv: [] })
  const line = createWorkerLine(worker, options.timeoutMs ?? OPERATION_TIMEOUT_MS)
  await line.opened
  return createAskedStore(line, { now, topics: createTopics() })
}

/** The thread's file has the ending of this one: `.ts` from the sources, `.js` when published. */
function workerUrl(): URL {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./sqlite-worker.${ending}`, import.meta.url)
}
