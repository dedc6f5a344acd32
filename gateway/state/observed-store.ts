import { StoreError } from './store-error.ts'
import type { StoreProblem } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'

/** The operations that take the time of whoever holds the data. */
export type ObservedOperation = Exclude<keyof SweptStore, 'subscribe' | 'close'>

export type Observe = (
  operation: ObservedOperation,
  result: 'ok' | StoreProblem,
  durationMs: number,
) => void

/** Returns the store with every operation told when it is over. `tick` is monotonic milliseconds. */
export function observeStore(store: SweptStore, tick: () => number, observe: Observe): SweptStore {
  async function told<T>(operation: ObservedOperation, work: () => Promise<T>): Promise<T> {
    const from = tick()
    try {
      const result = await work()
      observe(operation, 'ok', tick() - from)
      return result
    } catch (error) {
      observe(operation, error instanceof StoreError ? error.code : 'failed', tick() - from)
      throw error
    }
  }
  return {
    get: (key) => told('get', () => store.get(key)),
    put: (key, value, options) => told('put', () => store.put(key, value, options)),
    cas: (key, expected, value, options) =>
      told('cas', () => store.cas(key, expected, value, options)),
    consume: (key) => told('consume', () => store.consume(key)),
    delete: (key) => told('delete', () => store.delete(key)),
    lease: (key, holder, ttlMs) => told('lease', () => store.lease(key, holder, ttlMs)),
    release: (key, holder) => told('release', () => store.release(key, holder)),
    count: (key, by, ttlMs) => told('count', () => store.count(key, by, ttlMs)),
    list: (prefix, options) => told('list', () => store.list(prefix, options)),
    publish: (topic, message) => told('publish', () => store.publish(topic, message)),
    subscribe: (topic, listener) => store.subscribe(topic, listener),
    sweep: () => told('sweep', () => store.sweep()),
    close: () => store.close(),
  }
}
