/**
 * The store of a process that has none of its own: each operation is asked of another process, which holds
 * the file or the memory. That one checks the arguments, as it would its own.
 */
import { checkKey, checkMessage } from './arguments.ts'
import { StoreError, type StoreProblem } from './store-error.ts'
import type { SweptStore } from './swept-store.ts'
import { createTopics, type Topics } from './topics.ts'

type Method = Exclude<keyof SweptStore, 'publish' | 'subscribe' | 'close'>

/** An operation on its way: a method of the store and what it is called with. */
export type Relayed = {
  [Name in Method]: { readonly method: Name; readonly with: Parameters<SweptStore[Name]> }
}[Method]

export type RelayOptions = {
  /** Asks the process that holds the data. Rejects with an error whose `code` is that of a `StoreError`. */
  readonly ask: (operation: Relayed) => Promise<unknown>
  /** Takes a message to the other processes. */
  readonly announce: (topic: string, message: string) => Promise<void>
}

export type RelayedStore = {
  readonly store: SweptStore
  /** Tells the subscribers of this process what another has published. */
  readonly tell: Topics['tell']
}

const PROBLEMS: ReadonlySet<string> = new Set<StoreProblem>([
  'invalid',
  'too_large',
  'away',
  'full',
  'busy',
  'overloaded',
  'timeout',
  'closed',
  'crashed',
  'failed',
])

export function createRelayedStore({ ask, announce }: RelayOptions): RelayedStore {
  const topics = createTopics()
  let closed = false
  const checkOpen = (): void => {
    if (closed) throw new StoreError('closed', 'the store is closed')
  }
  async function relay<Name extends Method>(
    method: Name,
    ...args: Parameters<SweptStore[Name]>
  ): Promise<Awaited<ReturnType<SweptStore[Name]>>> {
    checkOpen()
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- method and arguments belong together
      const answer = await ask({ method, with: args } as unknown as Relayed)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `carryOut` answers with what this method returns
      return answer as Awaited<ReturnType<SweptStore[Name]>>
    } catch (error) {
      throw problemOf(error)
    }
  }
  const store: SweptStore = {
    get: (key) => relay('get', key),
    put: (key, value, options) => relay('put', key, value, options),
    cas: (key, expected, value, options) => relay('cas', key, expected, value, options),
    consume: (key) => relay('consume', key),
    delete: (key) => relay('delete', key),
    lease: (key, holder, ttlMs) => relay('lease', key, holder, ttlMs),
    release: (key, holder) => relay('release', key, holder),
    count: (key, by, ttlMs) => relay('count', key, by, ttlMs),
    list: (prefix, options) => relay('list', prefix, options),
    sweep: () => relay('sweep'),
    async publish(topic, message) {
      checkOpen()
      checkKey(topic)
      checkMessage(message)
      topics.tell(topic, message)
      await announce(topic, message).catch((error: unknown) => {
        throw problemOf(error)
      })
    },
    subscribe(topic, listener) {
      checkOpen()
      checkKey(topic)
      return topics.subscribe(topic, listener)
    },
    close: async () => {
      closed = true
      topics.clear()
    },
  }
  return { store, tell: topics.tell }
}

/** Carries out what another process asks of a store. */
export function carryOut(store: SweptStore, operation: Relayed): Promise<unknown> {
  switch (operation.method) {
    case 'get':
      return store.get(...operation.with)
    case 'put':
      return store.put(...operation.with)
    case 'cas':
      return store.cas(...operation.with)
    case 'consume':
      return store.consume(...operation.with)
    case 'delete':
      return store.delete(...operation.with)
    case 'lease':
      return store.lease(...operation.with)
    case 'release':
      return store.release(...operation.with)
    case 'count':
      return store.count(...operation.with)
    case 'list':
      return store.list(...operation.with)
    case 'sweep':
      return store.sweep()
  }
}

function problemOf(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (!(error instanceof Error)) return new StoreError('failed', String(error))
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'failed'
  return new StoreError(isProblem(code) ? code : 'failed', error.message)
}

function isProblem(code: string): code is StoreProblem {
  return PROBLEMS.has(code)
}
