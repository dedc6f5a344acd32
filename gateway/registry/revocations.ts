/**
 * The revocation list: kept in the store, answered from memory. Every process holds all of it; the
 * server's job calls `refresh` each second, which reads one row (`revocation/head`) and, when that
 * has moved, the entries it names. Requests and streams compare `epoch` to know when to ask again.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import type { Revocation, RevokeRequest } from './revocation.ts'
import {
  checkRevokeRequest,
  defaultLifeSeconds,
  RevocationError,
  revocationId,
} from './revocation.ts'
import type { RevocationHead } from './revocation-head.ts'
import { advanceHead, readHead } from './revocation-head.ts'
import { createRevocationIndex } from './revocation-index.ts'
import { formatRevocation, parseRevocation } from './stored-revocation.ts'

/** Entries held; one more is refused. About 50 MB, and more than an operator revokes by hand. */
export const MAX_REVOCATIONS = 100_000

/** Seconds without a successful refresh after which readiness must say so (the list may be old). */
export const REVOCATIONS_STALE_AFTER_SECONDS = 60

/** Where entries are kept, one per id. */
const ENTRY_PREFIX = 'revocation/entry/'

/** Entries read at once while loading, so that no page keeps the process from its requests. */
const PAGE = 1000

/** Attempts to write an entry that other processes write too; each lost one means another won. */
const MAX_ATTEMPTS = 20

/** The list as the rest of the gateway sees it. */
export type Revocations = {
  /** Grows with every change of the list in this process, whoever made it. */
  readonly epoch: number
  /** Entries in force. */
  readonly size: number
  /**
   * Seconds since the list was last known to agree with the store; `Infinity` before `load`. Above
   * `REVOCATIONS_STALE_AFTER_SECONDS` the process is not ready.
   */
  readonly staleForSeconds: number
  /** Whether the list names this caller. Pure memory: at most six hash lookups, none when empty. */
  isRevoked(caller: Caller): boolean
  /**
   * Revokes, in force here once it returns, elsewhere after the next refresh. Revoking the same thing
   * again never weakens the entry: the later cutoff and the later end count.
   *
   * @throws {RevocationError} `invalid`, `full`, or `contended`; whatever the store throws.
   */
  revoke(request: RevokeRequest): Promise<Revocation>
  /** Every entry in force, in the order this process learned of them. */
  list(): readonly Revocation[]
  /** Takes an entry off the list; false when there is none of that id. */
  lift(id: string, by: string): Promise<boolean>
  /** Reads the whole list. Call it once before serving. */
  load(): Promise<void>
  /** Ends what is due and picks up what other processes wrote; one read when nothing has changed. */
  refresh(): Promise<void>
}

export type RevocationsOptions = {
  readonly store: Store
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
  /** Issuers whose credentials do not end by themselves (that of API keys); none by default. */
  readonly lastingIssuers?: readonly string[]
}

/** Makes the list, empty until `load`. */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { store, now, emit, lastingIssuers = [] } = options
  const inTurn = createTurn()
  let index = createRevocationIndex()
  let seen: RevocationHead | undefined
  let epoch = 0
  let agreedAtMs = -Infinity
  let refreshing: Promise<void> | undefined

  function hold(entry: Revocation): void {
    index.set(entry)
    epoch += 1
  }

  function drop(id: string): boolean {
    const dropped = index.remove(id)
    if (dropped) epoch += 1
    return dropped
  }

  async function write(request: RevokeRequest): Promise<Revocation> {
    const id = revocationId(request.kind, request.issuer, request.value)
    const key = ENTRY_PREFIX + id
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const stored = await store.get(key)
      const earlier = stored === undefined ? undefined : parseRevocation(key, stored.value)
      const entry = merge(draft(request, id, now() / 1000, lastingIssuers), earlier)
      const ttlMs = Math.ceil((entry.expiresAtSeconds ?? Infinity) * 1000 - now())
      const life = Number.isFinite(ttlMs) ? { ttlMs } : {}
      if (await store.cas(key, stored?.version ?? 0, formatRevocation(entry), life)) return entry
    }
    throw new RevocationError('contended', 'other processes kept writing the same revocation')
  }

  async function reload(): Promise<void> {
    // The head first: a change made while the pages are read moves it, and is picked up again.
    const head = await readHead(store)
    const fresh = createRevocationIndex()
    let after: string | undefined
    for (;;) {
      const page = await store.list(ENTRY_PREFIX, {
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      })
      for (const row of page) fresh.set(parseRevocation(row.key, row.value))
      after = page.at(-1)?.key
      if (page.length < PAGE) break
    }
    index = fresh
    seen = head
    epoch += 1
  }

  async function catchUp(): Promise<void> {
    const head = await readHead(store)
    if (seen !== undefined && head.version === seen.version) return
    const behind = seen === undefined ? Infinity : head.changes - seen.changes
    // Too far behind for the ids it names, or a head from another past (a restored store).
    if (behind <= 0 || behind > head.recent.length) return reload()
    for (const id of new Set(head.recent.slice(-behind))) {
      const stored = await store.get(ENTRY_PREFIX + id)
      if (stored === undefined) drop(id)
      else hold(parseRevocation(id, stored.value))
    }
    seen = head
  }

  async function refresh(): Promise<void> {
    // Before the store is asked: what has ended must end even while the store does not answer.
    if (index.expire(now() / 1000) > 0) epoch += 1
    await inTurn(catchUp)
    agreedAtMs = now()
  }

  return {
    get epoch() {
      return epoch
    },
    get size() {
      return index.size
    },
    get staleForSeconds() {
      return Math.max(0, (now() - agreedAtMs) / 1000)
    },
    isRevoked: (caller) => index.names(caller),
    revoke(request) {
      checkRevokeRequest(request)
      return inTurn(async () => {
        const id = revocationId(request.kind, request.issuer, request.value)
        if (index.size >= MAX_REVOCATIONS && index.get(id) === undefined) {
          const what = `the revocation list is full (${MAX_REVOCATIONS} entries)`
          throw new RevocationError('full', `${what}; lift some, or give new ones an end`)
        }
        const entry = await write(request)
        hold(entry)
        await advanceHead(store, id)
        const { by, kind, value, issuer } = entry
        emit({ type: 'revoked', by, kind, value, issuer })
        return entry
      })
    },
    list: () => [...index.entries()],
    lift(id, by) {
      return inTurn(async () => {
        const entry = index.get(id)
        const deleted = await store.delete(ENTRY_PREFIX + id)
        const dropped = drop(id)
        if (deleted) await advanceHead(store, id)
        if (entry !== undefined) {
          const { kind, value, issuer } = entry
          emit({ type: 'revocation_lifted', by, kind, value, issuer })
        }
        return deleted || dropped
      })
    },
    async load() {
      await inTurn(reload)
      agreedAtMs = now()
    },
    refresh() {
      refreshing ??= refresh().finally(() => {
        refreshing = undefined
      })
      return refreshing
    },
  }
}

function draft(
  request: RevokeRequest,
  id: string,
  nowSeconds: number,
  lastingIssuers: readonly string[],
): Revocation {
  const { kind, issuer, value, by, reason } = request
  const lasting = issuer !== undefined && lastingIssuers.includes(issuer)
  const life = request.expiresInSeconds ?? defaultLifeSeconds(kind, lasting)
  return {
    id,
    kind,
    issuer,
    value,
    by,
    reason,
    createdAtSeconds: Math.floor(nowSeconds),
    // `iat` counts whole seconds: rounded up, so that what was issued earlier in this second ends too.
    cutoffSeconds: kind === 'subject' ? Math.ceil(nowSeconds) : undefined,
    expiresAtSeconds: life === undefined ? undefined : Math.ceil(nowSeconds + life),
  }
}

function merge(entry: Revocation, earlier: Revocation | undefined): Revocation {
  if (earlier === undefined) return entry
  const expiresAtSeconds = later(entry.expiresAtSeconds ?? Infinity, earlier.expiresAtSeconds)
  const cutoffSeconds = later(entry.cutoffSeconds ?? 0, earlier.cutoffSeconds ?? 0)
  return {
    ...entry,
    reason: entry.reason ?? earlier.reason,
    createdAtSeconds: earlier.createdAtSeconds,
    cutoffSeconds: entry.cutoffSeconds === undefined ? undefined : cutoffSeconds,
    expiresAtSeconds: Number.isFinite(expiresAtSeconds) ? expiresAtSeconds : undefined,
  }
}

function later(a: number, b: number | undefined): number {
  return Math.max(a, b ?? Infinity)
}

/** Returns a function that runs tasks one after another, so that none reads what another half wrote. */
function createTurn(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const mine = last.then(task)
    last = mine.catch(() => undefined)
    return mine
  }
}
