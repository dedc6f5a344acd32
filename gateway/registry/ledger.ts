/**
 * A list of entries kept in the store and answered from memory. Every process holds all of it and hears of
 * changes; the server's job calls `refresh` each second besides, which reads one row and, when that has
 * moved, the list.
 */
import type { PutOptions, Store } from '../model/store.ts'
import { createTurns } from './turns.ts'

/** Entries read at once, so that no page keeps the process from its requests. */
const PAGE = 200

/** Attempts to move the head; each lost one means that another process changed the list. */
const MAX_ATTEMPTS = 50

export type LedgerEntry = {
  /** Letters, digits, `-` and `_`. */
  readonly id: string
  /** Epoch seconds; undefined stays until removed. */
  readonly expiresAtSeconds: number | undefined
}

export type Ledger<T extends LedgerEntry> = {
  /** Entries in force, by id. Another map after every change, so that one can be compared with the next. */
  readonly entries: ReadonlyMap<string, T>
  /** Reads the list, and from then on listens for changes. Call it before serving, once. */
  load(): Promise<void>
  /** Ends what is due and picks up what other processes wrote; one read when nothing has changed. */
  refresh(): Promise<void>
  /**
   * Writes an entry, over one of the same id; in force here once it resolves. Rejects as the store does,
   * and with a `LedgerFull`.
   */
  put(entry: T): Promise<void>
  /** The same for an entry that is there; one that somebody has removed stays so. */
  update(entry: T): Promise<void>
  /** Removes an entry; false when there was none. */
  remove(id: string): Promise<boolean>
}

export type LedgerOptions<T extends LedgerEntry> = {
  readonly store: Store
  /** Epoch milliseconds. */
  readonly now: () => number
  /** First part of all its keys, and the topic of its messages. */
  readonly area: string
  readonly maxEntries: number
  /** Undefined for a row that is not understood: such an entry is not in force. */
  readonly parse: (row: unknown) => T | undefined
  /** The row of an entry, as `parse` understands it. */
  readonly format: (entry: T) => unknown
}

/** No more entries are taken until some have ended. */
export class LedgerFull extends Error {
  override readonly name = 'LedgerFull'
}

export function createLedger<T extends LedgerEntry>(options: LedgerOptions<T>): Ledger<T> {
  const { store, now, area, maxEntries, parse, format } = options
  const [prefix, headKey] = [`${area}/entry/`, `${area}/head`]
  const self = crypto.randomUUID()
  const inTurn = createTurns()
  let entries: ReadonlyMap<string, T> = new Map()
  let seenVersion = -1
  let nextEndSeconds = Infinity
  let hearing: Promise<void> | undefined

  const isLive = ({ expiresAtSeconds = Infinity }: T): boolean => now() / 1000 < expiresAtSeconds

  const lifeOf = ({ expiresAtSeconds: ends }: T): PutOptions =>
    ends === undefined ? {} : { ttlMs: Math.max(1, ends * 1000 - now()) }

  /** Costs one comparison while none is due. */
  function expire(): void {
    if (now() / 1000 < nextEndSeconds) return
    hold(new Map([...entries].filter(([, entry]) => isLive(entry))))
  }

  function hold(next: ReadonlyMap<string, T>): void {
    entries = next
    nextEndSeconds = Infinity
    for (const { expiresAtSeconds: ends = Infinity } of next.values()) {
      if (ends < nextEndSeconds) nextEndSeconds = ends
    }
  }

  async function readAll(): Promise<void> {
    // The head first: a change made while the pages are read moves it, and is picked up later.
    const version = (await store.get(headKey))?.version ?? 0
    const read = new Map<string, T>()
    for (let after = prefix; ;) {
      const page = await store.list(prefix, { limit: PAGE, after })
      for (const { value } of page) {
        const entry = parse(parseJson(value))
        if (entry !== undefined && isLive(entry)) read.set(entry.id, entry)
      }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) break
      after = last.key
    }
    hold(read)
    seenVersion = version
  }

  async function catchUp(): Promise<void> {
    expire()
    const version = (await store.get(headKey))?.version ?? 0
    if (version !== seenVersion) await readAll()
  }

  async function advance(): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const head = await store.get(headKey)
      const changes = `${Number(head?.value ?? 0) + 1}`
      if (await store.cas(headKey, head?.version ?? 0, changes)) break
    }
    // A hint: who misses it sees the head move.
    await store.publish(area, self).catch(() => undefined)
  }

  const refresh = (): Promise<void> => inTurn(catchUp)

  return {
    get entries() {
      expire()
      return entries
    },
    load: async () => {
      store.subscribe(area, (from) => {
        if (from === self || hearing !== undefined) return
        hearing = refresh()
          .catch(() => undefined)
          .finally(() => (hearing = undefined))
      })
      await inTurn(readAll)
    },
    refresh,
    put: (entry) =>
      inTurn(async () => {
        if (entries.size >= maxEntries && !entries.has(entry.id)) {
          throw new LedgerFull(`${area}: ${maxEntries} entries are held, and no more`)
        }
        await store.put(prefix + entry.id, JSON.stringify(format(entry)), lifeOf(entry))
        hold(new Map(entries).set(entry.id, entry))
        await advance()
      }),
    update: (entry) =>
      inTurn(async () => {
        const key = prefix + entry.id
        const held = await store.get(key)
        if (held === undefined) return
        const row = JSON.stringify(format(entry))
        if (!(await store.cas(key, held.version, row, lifeOf(entry)))) return
        hold(new Map(entries).set(entry.id, entry))
        await advance()
      }),
    remove: (id) =>
      inTurn(async () => {
        const wasThere = await store.delete(prefix + id)
        if (entries.has(id)) hold(new Map([...entries].filter(([each]) => each !== id)))
        if (wasThere) await advance()
        return wasThere
      }),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
