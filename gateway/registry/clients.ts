/**
 * The book of clients that registered themselves: who they are to us, which quota they count against,
 * and how long they stay. A client that asks for nothing for its idle time is gone, with everything
 * that was kept for it; no client cleans up after itself.
 */
import type { CallerKind } from '../model/caller.ts'
import type { Store } from '../model/store.ts'
import { createCensus } from './census.ts'

export type RegisteredClient = {
  readonly id: string
  /** As it calls itself; not to be believed. */
  readonly name: string
  readonly kind: CallerKind
  /** The registration token it came with, by name; undefined for one that came with none. */
  readonly token: string | undefined
  /** Who vouched for its software, by name; undefined where nobody did. */
  readonly statement?: string | undefined
  readonly address: string
  readonly registeredAtMs: number
  readonly usedAtMs: number
  /** It ends this long after it was last used. */
  readonly idleMs: number
  /** Keys of store rows that live and die with it. */
  readonly rows: readonly string[]
}

/** Shares of the idle time after which using a client writes to the store. */
const RENEW_SHARE = 8

/** Rows read at once. */
const PAGE = 200

const PREFIX = 'client/'

/** Others are told the id of a client that came or went: quotas are for all processes together. */
const CAME = 'client'
const WENT = 'client_gone'

export type Clients = {
  add(client: RegisteredClient): Promise<void>
  /**
   * Binds another row of the store to the life of a client, in place of the one in the same area, which is removed:
   * of each area, which a key names up to its last slash, a client has one row however often it changes. Resolves with
   * the milliseconds that the client has left, which are the life to write the row with; undefined when there is no
   * such client.
   */
  attach(id: string, row: string): Promise<number | undefined>
  get(id: string): Promise<RegisteredClient | undefined>
  /** As `get`, and notes that it is in use, which renews it and its rows. */
  use(id: string): Promise<RegisteredClient | undefined>
  /** Removes it and its rows; undefined when there is none. */
  remove(id: string): Promise<RegisteredClient | undefined>
  /** One page in the order of ids, after the id `after`. */
  list(after: string | undefined, limit: number): Promise<readonly RegisteredClient[]>
  /**
   * How many there are that came with this token (or with none), as of the last `sweep` and what this
   * process, and others it hears of, registered and removed since.
   */
  count(token: string | undefined): number
  /**
   * Counts again and returns those that ended by themselves since. Call it every minute, on one replica.
   *
   * @param rest Waited for after each 200 clients, for calls to go in between; none when left out.
   */
  sweep(rest?: () => Promise<void>): Promise<readonly RegisteredClient[]>
}

export type ClientsOptions = {
  readonly store: Pick<Store, 'get' | 'put' | 'cas' | 'delete' | 'list' | 'publish' | 'subscribe'>
  /** Epoch milliseconds. */
  readonly now: () => number
}

export function createClients({ store, now }: ClientsOptions): Clients {
  /** Those that were there when somebody last looked. */
  const census = createCensus()

  const lifeLeft = ({ usedAtMs, idleMs }: RegisteredClient): number =>
    Math.max(1, usedAtMs + idleMs - now())
  const read = async (id: string) => {
    const stored = await store.get(PREFIX + id)
    return stored && { client: parse(stored.value), version: stored.version }
  }
  /** Changes a row that must still be there: one that has ended must not come back. */
  const change = async (
    id: string,
    next: (client: RegisteredClient) => RegisteredClient,
  ): Promise<RegisteredClient | undefined> => {
    for (;;) {
      const found = await read(id)
      if (found === undefined) return undefined
      const client = next(found.client)
      const ttlMs = lifeLeft(client)
      const text = JSON.stringify(client)
      if (await store.cas(PREFIX + id, found.version, text, { ttlMs })) return client
    }
  }
  const renewRow = async (key: string, ttlMs: number): Promise<void> => {
    const row = await store.get(key)
    if (row !== undefined) await store.cas(key, row.version, row.value, { ttlMs })
  }
  const look = async (id: string): Promise<void> => {
    // Its own messages come back to whoever sent them.
    const found = census.has(id) ? undefined : await read(id)
    if (found !== undefined) census.add(found.client)
  }
  // A hint: who misses it counts again within a minute.
  const tell = (topic: string, id: string): Promise<void> =>
    store.publish(topic, id).catch(() => undefined)
  store.subscribe(CAME, (id) => void look(id).catch(() => undefined))
  store.subscribe(WENT, census.remove)
  async function* pages() {
    for (let after: string | undefined; ;) {
      const page = await store.list(PREFIX, { limit: PAGE, ...(after !== undefined && { after }) })
      yield page
      after = page.at(-1)?.key
      if (page.length < PAGE) return
    }
  }

  return {
    add: async (client) => {
      await store.put(PREFIX + client.id, JSON.stringify(client), { ttlMs: client.idleMs })
      census.add(client)
      await tell(CAME, client.id)
    },
    attach: async (id, row) => {
      const area = areaOf(row)
      let replaced: readonly string[] = []
      const client = await change(id, ({ rows, ...rest }) => {
        replaced = rows.filter((other) => areaOf(other) === area && other !== row)
        return { ...rest, rows: [...rows.filter((other) => areaOf(other) !== area), row] }
      })
      if (client === undefined) return undefined
      for (const key of replaced) await store.delete(key)
      return lifeLeft(client)
    },
    get: async (id) => (await read(id))?.client,
    use: async (id) => {
      const found = await read(id)
      if (found === undefined) return undefined
      const { idleMs, usedAtMs } = found.client
      if (now() - usedAtMs < idleMs / RENEW_SHARE) return found.client
      const used = await change(id, (client) => ({ ...client, usedAtMs: now() }))
      for (const row of used?.rows ?? []) await renewRow(row, idleMs)
      return used
    },
    remove: async (id) => {
      const found = await read(id)
      census.remove(id)
      if (found === undefined) return undefined
      for (const row of found.client.rows) await store.delete(row)
      await store.delete(PREFIX + id)
      await tell(WENT, id)
      return found.client
    },
    list: async (after, limit) => {
      const options = { limit, ...(after !== undefined && { after: PREFIX + after }) }
      return (await store.list(PREFIX, options)).map(({ value }) => parse(value))
    },
    count: census.count,
    sweep: async (rest) => {
      const sinceMs = now()
      const there: RegisteredClient[] = []
      for await (const page of pages()) {
        there.push(...page.map(({ value }) => parse(value)))
        await rest?.()
      }
      const gone = census.replace(there, sinceMs)
      return gone.filter(({ usedAtMs, idleMs }) => now() - usedAtMs >= idleMs)
    },
  }
}

function areaOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1)
}

function parse(text: string): RegisteredClient {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  return JSON.parse(text) as RegisteredClient
}
