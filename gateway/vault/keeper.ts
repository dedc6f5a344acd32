/**
 * The connections that are in use: their tokens are kept ready, looked up in the store every few seconds
 * and refreshed before they end. What is warm costs two look-ups in memory.
 */
import type { Caller } from '../model/caller.ts'
import type { VaultCredential } from '../model/credential.ts'
import { isRemote } from '../model/provider.ts'
import { Refusal } from '../model/refusal.ts'
import type { Entry } from './book.ts'
import { keyOf } from './book.ts'
import type { ConnectionId } from './connection.ts'
import { inject, missing, type Found } from './found.ts'
import { isFrom } from './providers.ts'
import { createRefresh, end, type RefreshOptions } from './refresh.ts'

/** What the store says is believed for so long: a connection that ended elsewhere ends here. */
const BELIEVED_MS = 5_000

/** The store is asked anew by the first call after so long, which does not wait: those in use are always warm. */
const READ_AHEAD_MS = 4_000

/** Tokens are refreshed when this share of their life is over, a little earlier or later each. */
const REFRESH_SHARE = 0.8
const JITTER_SHARE = 0.05

/** After a failure a refresh is tried again this much later, doubled each time up to the second figure. */
const BACKOFF_MS = { first: 1_000, longest: 300_000 }

/** A server that refuses every token must not make us ask the provider for more of them all the time. */
const RENEW_EVERY_MS = 30_000

/** Connections kept ready; the one that was used least recently is read again when it is used. */
const MAX_KEPT = 10_000

/** One connection that is in use here. */
type Kept = {
  readonly id: ConnectionId
  /** Undefined: there is none. */
  entry: Entry | undefined
  /** When the store was last asked; 0: never. */
  readAtMs: number
  /** How often it was to be forgotten: what was being read then is not believed. */
  forgotten: number
  /** Its token as each credential writes it. */
  headers: Map<VaultCredential, Found>
  reading: Promise<void> | undefined
  refreshing: Promise<void> | undefined
  failures: number
  /** No refresh before. */
  retryAtMs: number
  renewedAtMs: number
  /** Moves its refresh, so that connections made together are not all refreshed together. */
  readonly jitter: number
}

export type Wish = { readonly caller: Caller; readonly credential: VaultCredential }

export type Keeper = {
  /** At once when it is warm. @throws {Refusal} (or rejects with) `credential_unavailable`. */
  find(wish: Wish): Found | Promise<Found>
  /** Refreshed once more, because the server refused `refused`; the same where that is no use. */
  renew(wish: Wish, refused: Found): Promise<Found>
  /**
   * That the connection lacks these scopes, which the server asks for; undefined where it has them, and where
   * it is not the server whose word counts.
   */
  widen(wish: Wish, scopes: readonly string[]): Found | undefined
  /** What is kept of a connection is not to be believed any more. */
  forget(id: ConnectionId): void
}

export function createKeeper(options: RefreshOptions & { readonly random: () => number }): Keeper {
  const { book, now, providers } = options
  const refresh = createRefresh(options)
  const kept = new Map<string, Kept>()
  const warm = new WeakMap<Caller, WeakMap<VaultCredential, Kept>>()

  const keptOf = ({ caller, credential }: Wish): Kept => {
    const own = warm.get(caller)?.get(credential)
    if (own !== undefined) return own
    const { tenant, issuer, subject } = caller
    const { provider, account } = credential
    const id = { tenant, issuer, subject, provider, account }
    const key = keyOf(id)
    const found = kept.get(key) ?? newKept(id, options.random())
    kept.delete(key)
    kept.set(key, found)
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    let byCredential = warm.get(caller)
    if (byCredential === undefined) warm.set(caller, (byCredential = new WeakMap()))
    byCredential.set(credential, found)
    return found
  }
  const read = (one: Kept): Promise<void> => {
    one.reading ??= reread(one).finally(() => (one.reading = undefined))
    return one.reading
  }
  const reread = async (one: Kept): Promise<void> => {
    const { forgotten } = one
    const entry = await book.read(one.id, one.entry).catch((error: unknown) => {
      if (error instanceof Refusal) throw error
      throw new Refusal('credential_unavailable', { detail: `vault: ${String(error)}` })
    })
    if (entry === 'unreadable') {
      const detail = `connection of ${one.id.provider} does not open: its key is gone, or it was moved`
      options.emit({ type: 'warning', what: 'connection_unreadable', detail })
    }
    const isUsed = entry !== undefined && entry !== 'unreadable' && isOfProvider(entry)
    const next = isUsed ? entry : undefined
    if (next?.tokens.accessToken !== one.entry?.tokens.accessToken) one.headers = new Map()
    one.entry = next
    one.readAtMs = one.forgotten === forgotten ? now() : 0
  }
  /** Tokens for a server that was at another address are not for the one that is there now. */
  const isOfProvider = ({ connection: { provider, grantor } }: Entry): boolean =>
    isFrom(providers.named(provider), grantor)
  /** Never rejects for what a provider does; the row says how it came out. */
  const refreshOnce = (one: Kept, stale: Entry, why: 'due' | 'refused'): Promise<void> => {
    one.refreshing ??= refreshNow(one, stale, why).finally(() => (one.refreshing = undefined))
    return one.refreshing
  }
  const refreshNow = async (one: Kept, stale: Entry, why: 'due' | 'refused'): Promise<void> => {
    const isOver = why === 'refused' && (await providers.hasMoved(stale.connection))
    const result = await (isOver ? end(stale, 'issuer_changed', options) : refresh(stale))
    if (result.kind === 'changed') one.failures = 0
    else backOff(one, now())
    // Not what others may be reading since before it.
    await reread(one)
  }
  const find: Keeper['find'] = (wish) => {
    const one = keptOf(wish)
    const ageMs = now() - one.readAtMs
    if (ageMs >= BELIEVED_MS) return read(one).then(() => decide(one, wish.credential))
    // A store that is away is not believed to be there: whoever comes a second later is told.
    if (ageMs >= READ_AHEAD_MS) void read(one).catch(() => undefined)
    return decide(one, wish.credential)
  }
  const decide = (one: Kept, credential: VaultCredential): Found | Promise<Found> => {
    const { entry } = one
    const lacks = lackOf(entry, credential)
    if (lacks !== undefined || entry === undefined) return missing(lacks ?? '', wantOf(credential))
    const nowMs = now()
    if (nowMs < dueAt(entry, one.jitter)) return headerOf(one, entry, credential)
    if (!hasEnded(entry, nowMs)) {
      // The old one is good until the new one is there.
      if (nowMs >= one.retryAtMs) refreshOnce(one, entry, 'due').catch(() => undefined)
      return headerOf(one, entry, credential)
    }
    if (nowMs < one.retryAtMs) throw unavailable(one, nowMs)
    return refreshOnce(one, entry, 'due').then(() => {
      if (one.entry !== undefined && hasEnded(one.entry, now())) throw unavailable(one, now())
      return decide(one, credential)
    })
  }
  return {
    find,
    async renew(wish, refused) {
      const one = keptOf(wish)
      await read(one)
      const current = await decide(one, wish.credential)
      const { entry } = one
      if (current !== refused || entry === undefined) return current
      if (entry.tokens.refreshToken === undefined) {
        await end(entry, 'refused_by_server', options)
        await read(one)
        return await decide(one, wish.credential)
      }
      const isTooSoon = now() - one.renewedAtMs < RENEW_EVERY_MS
      if (isTooSoon && one.refreshing === undefined) return refused
      one.renewedAtMs = now()
      await refreshOnce(one, entry, 'refused')
      return await decide(one, wish.credential)
    },
    widen(wish, scopes) {
      const { credential } = wish
      const { entry } = keptOf(wish)
      const provider = providers.named(credential.provider)
      if (entry === undefined || provider === undefined || !isRemote(provider)) return undefined
      const { scopes: has } = entry.connection
      if (scopes.every((scope) => has.includes(scope))) return undefined
      const all = [...new Set([...has, ...credential.scopes, ...scopes])]
      return missing(moreOf(credential), { ...wantOf(credential), scopes: all })
    },
    forget(id) {
      const one = kept.get(keyOf(id))
      if (one === undefined) return
      one.readAtMs = 0
      one.forgotten += 1
    },
  }
}

function newKept(id: ConnectionId, random: number): Kept {
  return {
    id,
    entry: undefined,
    readAtMs: 0,
    forgotten: 0,
    headers: new Map(),
    reading: undefined,
    refreshing: undefined,
    failures: 0,
    retryAtMs: 0,
    renewedAtMs: 0,
    jitter: (random - 0.5) * 2 * JITTER_SHARE,
  }
}

/** Why what there is will not do, in words for the caller; undefined when it will. */
export function lackOf(
  entry: Entry | undefined,
  { scopes, provider }: Pick<VaultCredential, 'scopes' | 'provider'>,
): string | undefined {
  if (entry === undefined) return `Connect your ${provider} account first`
  const { connection } = entry
  if (connection.state === 'dead')
    return `Connect your ${provider} account again: it gives no more tokens`
  const lacks = scopes.some((scope) => !connection.scopes.includes(scope))
  return lacks ? moreOf({ provider }) : undefined
}

function moreOf({ provider }: Pick<VaultCredential, 'provider'>): string {
  return `Connect your ${provider} account again: more access is needed`
}

function wantOf({ provider, account, scopes }: VaultCredential) {
  return { provider, account, scopes }
}

function headerOf(one: Kept, { tokens }: Entry, credential: VaultCredential): Found {
  let found = one.headers.get(credential)
  if (found === undefined) {
    found = inject(tokens.accessToken, credential.place)
    one.headers.set(credential, found)
  }
  return found
}

/** When its tokens are to be refreshed; never where nobody says how long they live. */
function dueAt({ connection }: Entry, jitter: number): number {
  const { expiresAtMs, refreshedAtMs } = connection
  if (expiresAtMs === undefined) return Number.POSITIVE_INFINITY
  return refreshedAtMs + (expiresAtMs - refreshedAtMs) * (REFRESH_SHARE + jitter)
}

/** Whether its tokens are over and the connection is not. */
function hasEnded({ connection }: Entry, nowMs: number): boolean {
  const { expiresAtMs, state } = connection
  return state === 'live' && expiresAtMs !== undefined && nowMs >= expiresAtMs
}

function backOff(one: Kept, nowMs: number): void {
  const pauseMs = Math.min(BACKOFF_MS.first * 2 ** one.failures, BACKOFF_MS.longest)
  one.failures += 1
  one.retryAtMs = nowMs + pauseMs * (1 + one.jitter)
}

function unavailable(one: Kept, nowMs: number): Refusal {
  const retryAfterSeconds = Math.max(1, (one.retryAtMs - nowMs) / 1_000)
  const detail = `the tokens of ${one.id.provider} have ended and cannot be refreshed now`
  return new Refusal('credential_unavailable', { detail, retryAfterSeconds })
}
