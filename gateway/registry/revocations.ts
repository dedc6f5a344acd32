/**
 * The revocation list: kept in the store, answered from memory. Every process holds all of it; the
 * server's job calls `refresh` each second, which reads one row (`revocation/head`) and, when that
 * has moved, the entries it names. Requests and streams compare `epoch` to know when to ask again.
 */
import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import { StoreError } from '../state/store-error.ts'
import type { LastingIssuers, Revocation, RevokeRequest } from './revocation.ts'
import { checkRevokeRequest, draftRevocation, RevocationError } from './revocation.ts'
import type { RevocationHead } from './revocation-head.ts'
import { advanceHead, readHead } from './revocation-head.ts'
import type { RevocationIndex } from './revocation-index.ts'
import { createRevocationIndex } from './revocation-index.ts'
import { deleteEntry, readEntries, readEntry, writeEntry } from './revocation-rows.ts'
import { createTurns } from './turns.ts'

/** Entries held; one more is refused. About 50 MB, and more than an operator revokes by hand. */
export const MAX_REVOCATIONS = 100_000

/**
 * Of those, what may come of what callers do, such as signing out or handing tokens back: nobody who fills it
 * keeps an operator from revoking.
 */
export const MAX_REVOCATIONS_BY_CALLERS = 90_000

/** Seconds without a successful refresh after which readiness must say so: the list may be old. */
export const REVOCATIONS_STALE_AFTER_SECONDS = 60

/** Seconds without one after which streams end too: every short-lived credential has by then. */
export const REVOCATIONS_LOST_AFTER_SECONDS = REVOCATIONS_STALE_AFTER_SECONDS + 15 * 60

export type Staleness = 'fresh' | 'stale' | 'lost'

/** Where a process that changed the list tells the others. */
const TOPIC = 'revocations'

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
  /**
   * How far the list can be relied upon, as found by the last `refresh`; `epoch` grows when this changes.
   * While `stale` somebody may be revoked whom it does not name; `lost` has been so for long.
   */
  readonly staleness: Staleness
  /** Whether the list names this caller. Pure memory: one comparison when empty, else hash lookups. */
  isRevoked(caller: Caller): boolean
  /**
   * Revokes: in force here once it returns, elsewhere after the next refresh there. Revoking the
   * same thing again never weakens the entry: the later cutoff and the later end count.
   *
   * @throws {RevocationError} `invalid`, `full`, `contended`, `unavailable`.
   */
  revoke(request: RevokeRequest): Promise<Revocation>
  /** Every entry in force, in the order this process learned of them. */
  list(): readonly Revocation[]
  /**
   * Takes an entry off the list; false when there is none of that id.
   *
   * @throws {RevocationError} `contended`, `unavailable`.
   */
  lift(id: string, by: string): Promise<boolean>
  /** Reads the whole list, and from then on listens for changes. Call it before serving, once. */
  load(): Promise<void>
  /** Ends what is due and picks up what other processes wrote; one read when nothing has changed. */
  refresh(): Promise<void>
}

export type RevocationsOptions = {
  readonly store: Store
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
  /** None by default. */
  readonly issuers?: LastingIssuers
  /** Default `MAX_REVOCATIONS`. */
  readonly maxEntries?: number
}

/** Makes the list, empty until `load`. */
export function createRevocations(options: RevocationsOptions): Revocations {
  return new RevocationList(options)
}

class RevocationList implements Revocations {
  readonly #options: RevocationsOptions
  /** Changes and refreshes take turns, or a refresh could bring back what was just lifted. */
  readonly #inTurn = createTurns()
  #index: RevocationIndex = createRevocationIndex()
  /** The head this process has caught up with. */
  #seen: RevocationHead | undefined
  /** The name of the head as this process last knew it. */
  #headName: string | undefined
  #epoch = 0
  #agreedAtMs = -Infinity
  #staleness: Staleness = 'fresh'
  /** Signs what this process says, which it need not hear. */
  readonly #self = crypto.randomUUID()
  #refreshing: Promise<void> | undefined
  /** Whether something changed after the refresh that is under way has looked. */
  #again = false

  constructor(options: RevocationsOptions) {
    this.#options = options
  }

  get epoch(): number {
    return this.#epoch
  }

  get staleness(): Staleness {
    return this.#staleness
  }

  get size(): number {
    return this.#index.size
  }

  get staleForSeconds(): number {
    return Math.max(0, (this.#options.now() - this.#agreedAtMs) / 1000)
  }

  isRevoked(caller: Caller): boolean {
    return this.#index.names(caller)
  }

  async revoke(request: RevokeRequest): Promise<Revocation> {
    checkRevokeRequest(request)
    return this.#change(async ({ store, now, emit, ...options }) => {
      const { issuers = {}, maxEntries = MAX_REVOCATIONS } = options
      const nowMs = now()
      const draft = draftRevocation(request, nowMs / 1000, issuers)
      const most = Math.min(maxEntries, request.upTo ?? maxEntries)
      if (this.#index.size >= most && this.#index.get(draft.id) === undefined) {
        const what = `the revocation list is full (${most} entries)`
        throw new RevocationError('full', `${what}; lift some, or give new ones an end`)
      }
      const entry = await writeEntry(store, draft, nowMs)
      this.#hold(entry)
      this.#learn(await advanceHead(store, entry.id))
      await this.#tell()
      const { by, kind, value, issuer } = entry
      emit({ type: 'revoked', by, kind, value, issuer })
      return entry
    })
  }

  list(): readonly Revocation[] {
    return [...this.#index.entries()]
  }

  async lift(id: string, by: string): Promise<boolean> {
    return this.#change(async ({ store, emit }) => {
      // Another process may have made it a moment ago.
      const entry = this.#index.get(id) ?? (await readEntry(store, id))
      if (entry === undefined) return false
      await deleteEntry(store, id)
      this.#learn(await advanceHead(store, id))
      await this.#tell()
      // Last, so that a lift that failed before here can be repeated.
      this.#drop(id)
      const { kind, value, issuer } = entry
      emit({ type: 'revocation_lifted', by, kind, value, issuer })
      return true
    })
  }

  async load(): Promise<void> {
    const { store, now } = this.#options
    // A hint only: what is missed is seen by the next refresh.
    store.subscribe(TOPIC, (from) => {
      if (from !== this.#self) void this.#hear().catch(() => undefined)
    })
    await this.#inTurn(() => this.#readAll())
    this.#agreedAtMs = now()
  }

  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #hear(): Promise<void> {
    if (this.#refreshing === undefined) return this.refresh()
    if (this.#again) return
    this.#again = true
    await this.#refreshing.catch(() => undefined)
    this.#again = false
    return this.refresh()
  }

  async #refresh(): Promise<void> {
    const { now } = this.#options
    this.#setStaleness(stalenessAfter(this.staleForSeconds))
    // Before the store is asked: what has ended must end even while the store does not answer.
    if (this.#index.expire(now() / 1000) > 0) this.#epoch += 1
    await this.#inTurn(() => this.#catchUp())
    this.#agreedAtMs = now()
    this.#setStaleness('fresh')
  }

  #setStaleness(staleness: Staleness): void {
    if (staleness === this.#staleness) return
    this.#staleness = staleness
    this.#epoch += 1
  }

  async #catchUp(): Promise<void> {
    const { store } = this.#options
    const head = await readHead(store)
    const known = this.#headName
    // Another head than the one we knew: the store was emptied, and would let back in what was revoked.
    const isOther = head.version === 0 || (head.name !== undefined && head.name !== known)
    if (known !== undefined && isOther) return this.#writeBack()
    if (this.#seen !== undefined && head.version === this.#seen.version) return
    const behind = head.changes - (this.#seen?.changes ?? -Infinity)
    // Too far behind for the ids it names, or a head from another past (a restored store).
    if (behind <= 0 || behind > head.recent.length) return this.#readAll()
    for (const id of new Set(head.recent.slice(-behind))) {
      const entry = await readEntry(store, id)
      if (entry === undefined) this.#drop(id)
      else this.#hold(entry)
    }
    this.#seen = head
    this.#headName = head.name
  }

  /** Of a head other than the known one the next refresh learns, which then writes back what is held. */
  #learn(name: string): void {
    this.#headName ??= name
  }

  /** Every process does, so that all that any of them knew is there again. */
  async #writeBack(): Promise<void> {
    const { store, now, emit } = this.#options
    const held = this.list()
    const [first] = held
    for (const entry of held) await writeEntry(store, entry, now())
    if (first !== undefined) await advanceHead(store, first.id, Math.max(2, held.length))
    await this.#readAll()
    const detail = `the state store has lost its revocations; ${held.length} were written back`
    emit({ type: 'warning', what: 'revocations_written_back', detail })
  }

  async #readAll(): Promise<void> {
    const { store } = this.#options
    // The head first: a change made while the pages are read moves it, and is picked up later.
    const head = await readHead(store)
    const index = createRevocationIndex()
    for await (const entry of readEntries(store)) index.set(entry)
    this.#index = index
    this.#seen = head
    this.#headName = head.name
    this.#epoch += 1
  }

  /** A change of the list, in turn, with the store's own errors in the words of this room. */
  #change<T>(change: (options: RevocationsOptions) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      try {
        return await change(this.#options)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        throw new RevocationError('unavailable', `the state store: ${error.message}`, error)
      }
    })
  }

  /** Others see the change within a second anyway: that they were not told is no failure. */
  async #tell(): Promise<void> {
    await this.#options.store.publish(TOPIC, this.#self).catch(() => undefined)
  }

  #hold(entry: Revocation): void {
    this.#index.set(entry)
    this.#epoch += 1
  }

  #drop(id: string): void {
    if (this.#index.remove(id)) this.#epoch += 1
  }
}

function stalenessAfter(seconds: number): Staleness {
  if (seconds > REVOCATIONS_LOST_AFTER_SECONDS) return 'lost'
  return seconds > REVOCATIONS_STALE_AFTER_SECONDS ? 'stale' : 'fresh'
}
