/**
 * The driver that keeps state in one SQLite file on a local disk, the default. SQLite blocks the
 * thread that uses it, so a thread of its own holds the file (`sqlite-worker.ts`). A write is
 * acknowledged after its transaction is synced to disk (`synchronous = FULL`): it survives a crash
 * of the process and a loss of power. Several processes of one machine may use the same file; for
 * more machines there are other drivers. Messages reach subscribers of this process only, so what
 * other processes must notice is a row that they read from time to time.
 */
import { Worker } from 'node:worker_threads'
import type { PutOptions, Stored } from '../model/store.ts'
import {
  checkIncrement,
  checkKey,
  checkMessage,
  checkPrefix,
  checkTtl,
  checkValue,
  checkVersion,
  readLimit,
} from './arguments.ts'
import { compareKeys, endOfPrefix } from './key-order.ts'
import type { ListedEntry } from './operation.ts'
import { StoreError } from './store-error.ts'
import type { SqliteWorkerData } from './sqlite-worker.ts'
import type { SweptStore } from './swept-store.ts'
import { createTopics } from './topics.ts'
import type { WorkerLine } from './worker-line.ts'
import { createWorkerLine } from './worker-line.ts'

/** Milliseconds a transaction waits while another process holds the lock; then it fails as `busy`. */
export const BUSY_GIVE_UP_MS = 4000

/**
 * Milliseconds until an operation is given up: a group that waits for the lock, behind another that
 * did. A write that timed out may still happen.
 */
export const OPERATION_TIMEOUT_MS = 10_000

/** Rows one transaction of a sweep removes, so that the lock is never held for long. */
const SWEEP_ROWS = 500

/** Transactions of one sweep; what remains is left for the next. */
const SWEEP_ROUNDS = 20

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
  return new SqliteStore(line, now)
}

/** The thread's file has the ending of this one: `.ts` from the sources, `.js` when published. */
function workerUrl(): URL {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./sqlite-worker.${ending}`, import.meta.url)
}

class SqliteStore implements SweptStore {
  readonly #line: WorkerLine
  readonly #now: () => number
  readonly #topics = createTopics()
  #closed = false

  constructor(line: WorkerLine, now: () => number) {
    this.#line = line
    this.#now = now
  }

  async get(key: string): Promise<Stored | undefined> {
    checkKey(key)
    return this.#line.ask<'get'>({ verb: 'get', key, nowMs: this.#now() })
  }

  async put(key: string, value: string, options: PutOptions = {}): Promise<void> {
    checkKey(key)
    checkValue(value)
    const endsAtMs = this.#endOf(options)
    await this.#line.ask<'put'>({ verb: 'put', key, value, endsAtMs })
  }

  async cas(
    key: string,
    expected: number,
    value: string,
    options: PutOptions = {},
  ): Promise<boolean> {
    checkKey(key)
    checkVersion(expected)
    checkValue(value)
    const endsAtMs = this.#endOf(options)
    const nowMs = this.#now()
    return this.#line.ask<'cas'>({ verb: 'cas', key, expected, value, nowMs, endsAtMs })
  }

  async consume(key: string): Promise<string | undefined> {
    checkKey(key)
    return this.#line.ask<'consume'>({ verb: 'consume', key, nowMs: this.#now() })
  }

  async delete(key: string): Promise<boolean> {
    return (await this.consume(key)) !== undefined
  }

  async lease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    checkKey(key)
    checkKey(holder)
    checkTtl(ttlMs)
    const nowMs = this.#now()
    const endsAtMs = Math.ceil(nowMs + ttlMs)
    return this.#line.ask<'lease'>({ verb: 'lease', key, holder, nowMs, endsAtMs })
  }

  async release(key: string, holder: string): Promise<void> {
    checkKey(key)
    checkKey(holder)
    await this.#line.ask<'release'>({ verb: 'release', key, holder })
  }

  async count(key: string, by: number, ttlMs: number): Promise<number> {
    checkKey(key)
    checkIncrement(by)
    checkTtl(ttlMs)
    const nowMs = this.#now()
    const endsAtMs = Math.ceil(nowMs + ttlMs)
    return this.#line.ask<'count'>({ verb: 'count', key, by, nowMs, endsAtMs })
  }

  async list(
    prefix: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly ListedEntry[]> {
    checkPrefix(prefix)
    const { after = '' } = options
    checkPrefix(after)
    const limit = readLimit(options.limit)
    // No key holds U+0000, so this is the first one that can follow `after`.
    const from = compareKeys(prefix, after) > 0 ? prefix : `${after}\u0001`
    const to = endOfPrefix(prefix)
    return this.#line.ask<'list'>({ verb: 'list', from, to, limit, nowMs: this.#now() })
  }

  async publish(topic: string, message: string): Promise<void> {
    this.#checkOpen()
    checkKey(topic)
    checkMessage(message)
    this.#topics.tell(topic, message)
  }

  subscribe(topic: string, listener: (message: string) => void): () => void {
    this.#checkOpen()
    checkKey(topic)
    return this.#topics.subscribe(topic, listener)
  }

  async sweep(): Promise<number> {
    let total = 0
    for (let round = 0; round < SWEEP_ROUNDS; round += 1) {
      const nowMs = this.#now()
      const swept = await this.#line.ask<'sweep'>({ verb: 'sweep', nowMs, maxRows: SWEEP_ROWS })
      total += swept
      if (swept < SWEEP_ROWS) break
    }
    return total
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#topics.clear()
    await this.#line.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
  }

  #endOf({ ttlMs }: PutOptions): number | undefined {
    checkTtl(ttlMs)
    return ttlMs === undefined ? undefined : Math.ceil(this.#now() + ttlMs)
  }
}
