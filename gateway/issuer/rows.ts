/**
 * How the authorization server keeps things: under the hash of their id and sealed, so that whoever reads
 * the store has neither a code nor a token nor a client secret. What does not open counts as not there.
 */
import { hash } from 'node:crypto'

import type { Store } from '../model/store.ts'

/** What is kept: JSON members. */
export type Payload = Readonly<Record<string, unknown>>

export type Row = { readonly payload: Payload; readonly version: number }

export type Rows = {
  read(area: string, id: string): Promise<Row | undefined>
  /** The row with this key of the store. */
  readAt(key: string): Promise<Row | undefined>
  /** Without a life it stays until removed. */
  write(area: string, id: string, payload: Payload, ttlMs?: number): Promise<void>
  /** Writes only over this version; false when somebody else was faster. */
  swap(
    area: string,
    id: string,
    next: { readonly version: number; readonly payload: Payload; readonly ttlMs: number },
  ): Promise<boolean>
  /** Reads and removes, for exactly one of those who try. */
  take(area: string, id: string): Promise<Payload | undefined>
  remove(area: string, id: string): Promise<void>
  /** Rows of an area, at most `MAX_LISTED`; what does not open is left out. */
  list(area: string): Promise<readonly Payload[]>
  /** The store key of a row, for those who keep its life. */
  keyOf(area: string, id: string): string
}

/** Rows of one list: what one person can look through. */
export const MAX_LISTED = 200

/** Seals text for the store, bound to the row it is kept in. */
export type Sealing = {
  readonly seal: (bound: readonly string[], text: string) => string
  /** Undefined for what was not sealed for this row by a key of ours. */
  readonly open: (bound: readonly string[], sealed: string) => string | undefined
}

export type RowsOptions = {
  readonly store: Pick<Store, 'get' | 'put' | 'cas' | 'consume' | 'delete' | 'list'>
  /** In force now: a reload may bring other keys. */
  readonly sealing: () => Sealing
}

export function createRows({ store, sealing }: RowsOptions): Rows {
  const close = (key: string, payload: Payload): string =>
    sealing().seal([key], JSON.stringify(payload))
  const open = (key: string, text: string): Payload | undefined => {
    const json = sealing().open([key], text)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed by `close`
    return json === undefined ? undefined : (JSON.parse(json) as Payload)
  }
  const readAt: Rows['readAt'] = async (key) => {
    const stored = await store.get(key)
    const payload = stored && open(key, stored.value)
    return stored && payload && { payload, version: stored.version }
  }
  return {
    keyOf,
    readAt,
    read: (area, id) => readAt(keyOf(area, id)),
    write: async (area, id, payload, ttlMs) => {
      const key = keyOf(area, id)
      await store.put(key, close(key, payload), ttlMs === undefined ? {} : { ttlMs })
    },
    swap: async (area, id, { version, payload, ttlMs }) => {
      const key = keyOf(area, id)
      return await store.cas(key, version, close(key, payload), { ttlMs })
    },
    take: async (area, id) => {
      const key = keyOf(area, id)
      const text = await store.consume(key)
      return text === undefined ? undefined : open(key, text)
    },
    list: async (area) => {
      const found = await store.list(`oauth/${area}/`, { limit: MAX_LISTED })
      const opened = found.map(({ key, value }) => open(key, value))
      return opened.filter((payload) => payload !== undefined)
    },
    remove: async (area, id) => {
      await store.delete(keyOf(area, id))
    },
  }
}

function keyOf(area: string, id: string): string {
  return `oauth/${area}/${hash('sha256', id, 'base64url')}`
}
