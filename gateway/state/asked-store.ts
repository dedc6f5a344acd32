/**
 * What all drivers but `memory` share: arguments are checked, lives become ends, and each call becomes
 * one `Operation` for whoever holds the data. A driver is then a function from operation to result.
 */
import type { PutOptions, Store, Stored } from '../model/store.ts'
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
import type { ListedEntry, OperationOf, Results, Verb } from './operation.ts'
import { StoreError } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'
import type { Topics } from './topics.ts'

/** Rows one operation of a sweep removes, so that nobody waits long for it. */
export const SWEEP_ROWS = 500

/** Operations of one sweep; what remains is left for the next. */
const SWEEP_ROUNDS = 20

/** Whoever holds the data. */
export type Holder = {
  /** Carries out one operation, or rejects with a `StoreError`. */
  ask<V extends Verb>(operation: OperationOf<V>): Promise<Results[V]>
  /** Takes a message to other processes; undefined where the driver reaches none. */
  readonly announce?: (topic: string, message: string) => Promise<void>
  /** Resolves when everything is closed. */
  close(): Promise<void>
}

export type AskedStoreOptions = {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** The subscribers of this process; the driver tells them what comes from others. */
  readonly topics: Topics
}

/** Returns the store that asks `holder`. Closing it closes the holder. */
export function createAskedStore(holder: Holder, options: AskedStoreOptions): SweptStore {
  return new AskedStore(holder, options)
}

class AskedStore implements SweptStore {
  readonly #holder: Holder
  readonly #now: () => number
  readonly #topics: Topics
  #closing: Promise<void> | undefined

  constructor(holder: Holder, { now, topics }: AskedStoreOptions) {
    this.#holder = holder
    this.#now = now
    this.#topics = topics
  }

  async get(key: string): Promise<Stored | undefined> {
    checkKey(key)
    return this.#ask<'get'>({ verb: 'get', key, nowMs: this.#now() })
  }

  async put(key: string, value: string, options: PutOptions = {}): Promise<void> {
    checkKey(key)
    checkValue(value)
    const endsAtMs = this.#endOf(options)
    await this.#ask<'put'>({ verb: 'put', key, value, endsAtMs })
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
    return this.#ask<'cas'>({ verb: 'cas', key, expected, value, nowMs, endsAtMs })
  }

  async consume(key: string): Promise<string | undefined> {
    checkKey(key)
    return this.#ask<'consume'>({ verb: 'consume', key, nowMs: this.#now() })
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
    return this.#ask<'lease'>({ verb: 'lease', key, holder, nowMs, endsAtMs })
  }

  async release(key: string, holder: string): Promise<void> {
    checkKey(key)
    checkKey(holder)
    await this.#ask<'release'>({ verb: 'release', key, holder })
  }

  async count(key: string, by: number, ttlMs: number): Promise<number> {
    checkKey(key)
    checkIncrement(by)
    checkTtl(ttlMs)
    const nowMs = this.#now()
    const endsAtMs = Math.ceil(nowMs + ttlMs)
    return this.#ask<'count'>({ verb: 'count', key, by, nowMs, endsAtMs })
  }

  async list(
    prefix: string,
    options: NonNullable<Parameters<Store['list']>[1]> = {},
  ): Promise<readonly ListedEntry[]> {
    checkPrefix(prefix)
    const { after = '' } = options
    checkPrefix(after)
    const limit = readLimit(options.limit)
    // No key holds U+0000, so this is the first one that can follow `after`.
    const from = compareKeys(prefix, after) > 0 ? prefix : `${after}\u0001`
    const to = endOfPrefix(prefix)
    return this.#ask<'list'>({ verb: 'list', from, to, limit, nowMs: this.#now() })
  }

  async publish(topic: string, message: string): Promise<void> {
    this.#checkOpen()
    checkKey(topic)
    checkMessage(message)
    this.#topics.tell(topic, message)
    await this.#holder.announce?.(topic, message)
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
      const swept = await this.#ask<'sweep'>({ verb: 'sweep', nowMs, maxRows: SWEEP_ROWS })
      total += swept
      if (swept < SWEEP_ROWS) break
    }
    return total
  }

  async close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#topics.clear()
      this.#closing = this.#holder.close()
    }
    return this.#closing
  }

  #ask<V extends Verb>(operation: OperationOf<V>): Promise<Results[V]> {
    this.#checkOpen()
    return this.#holder.ask<V>(operation)
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'the store is closed')
  }

  #endOf({ ttlMs }: PutOptions): number | undefined {
    checkTtl(ttlMs)
    return ttlMs === undefined ? undefined : Math.ceil(this.#now() + ttlMs)
  }
}
