/** The book of connections: rows of the store, each sealed for its owner, provider and account. */
import { createHash } from 'node:crypto'

import type { Store, Stored } from '../model/store.ts'
import type { Connection, ConnectionId, Tokens } from './connection.ts'
import type { Envelopes, Opened, Place } from './envelope.ts'

/** A row that could be read, with what it holds and the version that the next write names. */
export type Entry = {
  readonly connection: Connection
  readonly tokens: Tokens
  readonly version: number
  /** The row as it is stored. */
  readonly row: string
  /** As of what was opened. */
  readonly isForGood: boolean
  /** Other tokens, sealed with the same row key. */
  readonly reseal: Opened['reseal']
}

/** What is known of a connection besides its id and what is sealed. */
export type Facts = Omit<Connection, keyof ConnectionId | 'sealed'>

export type Book = {
  /**
   * Undefined where there is none; `unreadable` for a row that does not open here.
   *
   * @param known What it held before, read under the same keys: it is returned where nothing has changed, and
   *   not opened again.
   */
  read(id: ConnectionId, known?: Entry): Promise<Entry | undefined | 'unreadable'>
  /** Writes over whatever is there: a person connects anew. */
  connect(id: ConnectionId, facts: Facts, tokens: Tokens): Promise<void>
  /** Writes only if nobody else has since `entry` was read; returns whether it did. */
  update(entry: Entry, facts: Partial<Facts>, tokens?: Tokens): Promise<boolean>
  delete(id: ConnectionId): Promise<boolean>
  /** A page of all rows, in no order that means anything. `after` is the `cursor` of the page before. */
  list(options: { readonly after?: string | undefined; readonly limit: number }): Promise<{
    readonly connections: readonly Connection[]
    readonly cursor: string | undefined
  }>
  /**
   * Seals the key of one row anew under the current key.
   *
   * @returns false for one that does not open, or that others write all the time.
   */
  rewrap(connection: Connection): Promise<boolean>
}

const PREFIX = 'vault/'

/** A row that is written by others all the time is sealed anew at the latest at this attempt, or next time. */
const REWRAP_ATTEMPTS = 5

/** @param envelopes Those of the ring in force. */
export function createBook(store: Store, envelopes: () => Envelopes): Book {
  const book: Book = {
    async read(id, known) {
      const stored = await store.get(keyOf(id))
      if (stored === undefined) return undefined
      if (known !== undefined && isSame(known, stored)) return known
      const connection = parse(stored.value)
      const opened = await envelopes().open(placeOf(id), connection.sealed)
      if (opened === undefined) return 'unreadable'
      const { text, reseal, isForGood } = opened
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed by this file alone
      const tokens = JSON.parse(text) as Tokens
      const { version, value: row } = stored
      const own = { ...connection, ...onlyId(id) }
      return { connection: own, tokens, version, row, isForGood, reseal }
    },
    async connect(id, facts, tokens) {
      const sealed = await envelopes().seal(placeOf(id), JSON.stringify(tokens))
      await store.put(keyOf(id), JSON.stringify({ ...facts, ...onlyId(id), sealed }))
    },
    async update({ connection, version, reseal }, facts, tokens) {
      const sealed = tokens === undefined ? connection.sealed : await reseal(JSON.stringify(tokens))
      const next: Connection = { ...connection, ...facts, sealed }
      return await store.cas(keyOf(connection), version, JSON.stringify(next))
    },
    delete: async (id) => await store.delete(keyOf(id)),
    async list({ after, limit }) {
      const options = after === undefined ? { limit } : { limit, after: PREFIX + after }
      const rows = await store.list(PREFIX, options)
      const last = rows.length < limit ? undefined : rows.at(-1)?.key.slice(PREFIX.length)
      return { connections: rows.map(({ value }) => parse(value)), cursor: last }
    },
    async rewrap(connection) {
      for (let attempt = 0; attempt < REWRAP_ATTEMPTS; attempt++) {
        const stored = await store.get(keyOf(connection))
        if (stored === undefined) return true
        const row = parse(stored.value)
        const sealed = await envelopes().rewrap(placeOf(connection), row.sealed)
        if (sealed === undefined) return false
        if (sealed === row.sealed) return true
        const next = JSON.stringify({ ...row, sealed })
        if (await store.cas(keyOf(connection), stored.version, next)) return true
      }
      return false
    },
  }
  return book
}

/** The version alone is not enough: a store that was put back from a backup gives versions a second time. */
function isSame({ isForGood, row, version }: Entry, stored: Stored): boolean {
  return isForGood && version === stored.version && row === stored.value
}

/** The key of a connection's row, and of all that is kept about it. Bounded, whatever a subject is. */
export function keyOf({ tenant, issuer, subject, provider, account }: ConnectionId): string {
  const owner = JSON.stringify([tenant, issuer, subject])
  const hash = createHash('sha256').update(owner).digest('base64url')
  return `${PREFIX}${hash}/${provider}/${account}`
}

function placeOf({ account, ...rest }: ConnectionId): Place {
  return { ...rest, connection: account }
}

function onlyId({ tenant, issuer, subject, provider, account }: ConnectionId): ConnectionId {
  return { tenant, issuer, subject, provider, account }
}

function parse(text: string): Connection {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  return JSON.parse(text) as Connection
}
