/**
 * The driver that keeps everything in this process: for tests, demos and a single process whose
 * state may be lost with it. Nothing survives a restart.
 */
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
import { compareKeys } from './key-order.ts'
import { StoreError } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'
import { createTopics } from './topics.ts'

/**
 * Entries, leases and counters together, expired ones counting until swept; a write that would add
 * one more is refused (`full`).
 */
export const MAX_MEMORY_ENTRIES = 200_000

/** UTF-16 units of all keys and values together, 256 MiB at most; a write above it is refused (`full`). */
export const MAX_MEMORY_CHARS = 128 * 1024 * 1024

export type MemoryStoreOptions = {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Default `MAX_MEMORY_ENTRIES`. */
  readonly maxEntries?: number
  /** Default `MAX_MEMORY_CHARS`. */
  readonly maxChars?: number
}

type Entry = { readonly value: string; readonly version: number; readonly endsAtMs: number }
type Lease = { readonly holder: string; readonly endsAtMs: number }
type Counter = { readonly total: number; readonly endsAtMs: number }

/** Makes an empty store. Times come from `now` only; entries end by it, lazily and by `sweep`. */
export function createMemoryStore(options: MemoryStoreOptions): SweptStore {
  return new MemoryStore(options)
}

class MemoryStore implements SweptStore {
  readonly #now: () => number
  readonly #maxEntries: number
  readonly #maxChars: number
  readonly #entries = new Map<string, Entry>()
  /** The keys of `#entries` in key order. */
  #order: string[] = []
  readonly #leases = new Map<string, Lease>()
  readonly #counters = new Map<string, Counter>()
  readonly #topics = createTopics()
  #chars = 0
  #version = 0
  #closed = false

  constructor(options: MemoryStoreOptions) {
    this.#now = options.now
    this.#maxEntries = options.maxEntries ?? MAX_MEMORY_ENTRIES
    this.#maxChars = options.maxChars ?? MAX_MEMORY_CHARS
  }

  async get(key: string): Promise<Stored | undefined> {
    this.#begin(key)
    const entry = live(this.#entries, key, this.#now())
    return entry && { value: entry.value, version: entry.version }
  }

  async put(key: string, value: string, options: PutOptions = {}): Promise<void> {
    this.#begin(key)
    this.#write(key, value, options)
  }

  async cas(
    key: string,
    expected: number,
    value: string,
    options: PutOptions = {},
  ): Promise<boolean> {
    this.#begin(key)
    checkVersion(expected)
    const version = live(this.#entries, key, this.#now())?.version ?? 0
    if (version !== expected) return false
    this.#write(key, value, options)
    return true
  }

  async consume(key: string): Promise<string | undefined> {
    this.#begin(key)
    const entry = live(this.#entries, key, this.#now())
    this.#remove(key)
    return entry?.value
  }

  async delete(key: string): Promise<boolean> {
    return (await this.consume(key)) !== undefined
  }

  async lease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    this.#begin(key)
    checkKey(holder)
    checkTtl(ttlMs)
    const nowMs = this.#now()
    const lease = live(this.#leases, key, nowMs)
    if (lease !== undefined && lease.holder !== holder) return false
    if (!this.#leases.has(key)) this.#checkRoom()
    this.#leases.set(key, { holder, endsAtMs: nowMs + ttlMs })
    return true
  }

  async release(key: string, holder: string): Promise<void> {
    this.#begin(key)
    if (this.#leases.get(key)?.holder === holder) this.#leases.delete(key)
  }

  async count(key: string, by: number, ttlMs: number): Promise<number> {
    this.#begin(key)
    checkIncrement(by)
    checkTtl(ttlMs)
    const nowMs = this.#now()
    const counter = live(this.#counters, key, nowMs) ?? { total: 0, endsAtMs: nowMs + ttlMs }
    const total = counter.total + by
    checkIncrement(total)
    if (!this.#counters.has(key)) this.#checkRoom()
    this.#counters.set(key, { total, endsAtMs: counter.endsAtMs })
    return total
  }

  async list(
    prefix: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<
    readonly { readonly key: string; readonly value: string; readonly version: number }[]
  > {
    this.#checkOpen()
    checkPrefix(prefix)
    const { after = '' } = options
    checkPrefix(after)
    const limit = readLimit(options.limit)
    const nowMs = this.#now()
    const found = []
    let at = this.#place(compareKeys(prefix, after) > 0 ? prefix : after)
    if (this.#order[at] === after) at += 1
    for (; at < this.#order.length && found.length < limit; at += 1) {
      const key = this.#order[at] ?? ''
      if (!key.startsWith(prefix)) break
      const entry = live(this.#entries, key, nowMs)
      if (entry !== undefined) found.push({ key, value: entry.value, version: entry.version })
    }
    return found
  }

  async publish(topic: string, message: string): Promise<void> {
    this.#begin(topic)
    checkMessage(message)
    this.#topics.tell(topic, message)
  }

  subscribe(topic: string, listener: (message: string) => void): () => void {
    this.#begin(topic)
    return this.#topics.subscribe(topic, listener)
  }

  async sweep(): Promise<number> {
    this.#checkOpen()
    const nowMs = this.#now()
    let ended = 0
    for (const [key, entry] of this.#entries) {
      if (nowMs < entry.endsAtMs) continue
      this.#entries.delete(key)
      this.#chars -= key.length + entry.value.length
      ended += 1
    }
    if (ended > 0) this.#order = this.#order.filter((key) => this.#entries.has(key))
    return ended + dropEnded(this.#leases, nowMs) + dropEnded(this.#counters, nowMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#topics.clear()
    this.#entries.clear()
    this.#order = []
    this.#leases.clear()
    this.#counters.clear()
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
  }

  #begin(key: string): void {
    this.#checkOpen()
    checkKey(key)
  }

  #write(key: string, value: string, { ttlMs }: PutOptions): void {
    checkValue(value)
    checkTtl(ttlMs)
    const old = this.#entries.get(key)
    const chars = this.#chars + value.length - (old === undefined ? -key.length : old.value.length)
    if (chars > this.#maxChars) throw full(`${this.#maxChars} characters`)
    if (old === undefined) {
      this.#checkRoom()
      this.#order.splice(this.#place(key), 0, key)
    }
    this.#chars = chars
    // One count for the whole store, so that no key ever sees the same version twice.
    this.#version += 1
    const endsAtMs = ttlMs === undefined ? Infinity : this.#now() + ttlMs
    this.#entries.set(key, { value, version: this.#version, endsAtMs })
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#order.splice(this.#place(key), 1)
    this.#chars -= key.length + entry.value.length
  }

  #checkRoom(): void {
    const held = this.#entries.size + this.#leases.size + this.#counters.size
    if (held >= this.#maxEntries) throw full(`${this.#maxEntries} entries`)
  }

  /** Where the key stands in the order, or would. */
  #place(key: string): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#order[middle] ?? '', key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function live<T extends { readonly endsAtMs: number }>(
  kept: ReadonlyMap<string, T>,
  key: string,
  nowMs: number,
): T | undefined {
  const found = kept.get(key)
  return found !== undefined && nowMs < found.endsAtMs ? found : undefined
}

function dropEnded(kept: Map<string, { readonly endsAtMs: number }>, nowMs: number): number {
  const before = kept.size
  for (const [key, { endsAtMs }] of kept) if (nowMs >= endsAtMs) kept.delete(key)
  return before - kept.size
}

function full(bound: string): StoreError {
  return new StoreError('full', `the memory store is full (${bound})`)
}
