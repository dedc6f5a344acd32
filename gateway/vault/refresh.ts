/**
 * Refreshing one connection: one at a time over all replicas, by a lease, and written by compare-and-set
 * before anything uses the new tokens. A provider that ends the family when an old refresh token comes
 * again never sees one.
 */
import type { Emit, GatehouseEvent } from '../model/event.ts'
import type { Provider } from '../model/provider.ts'
import type { Store } from '../model/store.ts'
import type { Book, Entry, Facts } from './book.ts'
import { keyOf } from './book.ts'
import type { Breaker } from './breaker.ts'
import type { ConnectionId, Tokens } from './connection.ts'
import type { Giver, Providers } from './providers.ts'
import type { Given, Services } from './services.ts'

/** Longer than the longest request to a provider, so that a lease never ends under a refresh. */
const LEASE_MS = 30_000

/** How often those who wait look whether another has finished, and how long they do. */
const LOOK_EVERY_MS = 100
const WAIT_MS = 15_000

/** New tokens are lost if they are not written, so it is tried again, for three seconds in all. */
const WRITE_PAUSES_MS = [50, 150, 400, 800, 1_600]

export type RefreshOptions = {
  readonly book: Book
  readonly services: Services
  readonly store: Pick<Store, 'lease' | 'release'>
  readonly breaker: Breaker
  readonly providers: Pick<Providers, 'named' | 'giver' | 'forget' | 'hasMoved'>
  /** Tells the processes apart that share the store. */
  readonly instance: string
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  /** Default 30,000. Longer than a request to a provider may take. */
  readonly leaseMs?: number
  readonly emit: Emit
}

/** How it came out. */
export type Refreshed =
  /** There are other tokens than before now, or none any more: read the row again. */
  | { readonly kind: 'changed' }
  /** Those there are stay; `detail` says why, for operators. */
  | { readonly kind: 'unavailable'; readonly detail: string }

/** @returns the function that refreshes a connection, if it still is as `stale` says. */
export function createRefresh(options: RefreshOptions) {
  const { book, breaker, now, pause, store, leaseMs = LEASE_MS } = options
  let count = 0
  return async (stale: Entry): Promise<Refreshed> => {
    const id: ConnectionId = stale.connection
    const key = `lease/${keyOf(id)}`
    const holder = `${options.instance}/${(count += 1)}`
    const deadlineMs = now() + WAIT_MS
    while (!(await store.lease(key, holder, leaseMs))) {
      if (now() > deadlineMs) return unavailable('another process is at it')
      await pause(LOOK_EVERY_MS)
      const entry = await book.read(id)
      if (!isStill(entry, stale)) return { kind: 'changed' }
    }
    try {
      // Whoever had the lease before may have done it.
      const entry = await book.read(id)
      if (!isStill(entry, stale)) return { kind: 'changed' }
      const provider = options.providers.giver(id.provider, giverOf(entry))
      if (provider === undefined) return unavailable('the provider is not configured any more')
      if (!breaker.mayAsk(provider.name)) return unavailable('the provider is down')
      return await refresh(entry, provider, options)
    } finally {
      await store.release(key, holder)
    }
  }
}

/** Some providers give the same access token again, so the time counts too. */
function isStill(entry: Entry | undefined | 'unreadable', stale: Entry): entry is Entry {
  if (entry === undefined || entry === 'unreadable') return false
  const { connection, tokens } = entry
  return (
    connection.state === 'live' &&
    connection.refreshedAtMs === stale.connection.refreshedAtMs &&
    tokens.accessToken === stale.tokens.accessToken
  )
}

async function refresh(
  entry: Entry,
  provider: Provider,
  options: RefreshOptions,
): Promise<Refreshed> {
  const { breaker, emit, now, services } = options
  const { refreshToken } = entry.tokens
  if (refreshToken === undefined) return await end(entry, 'no_refresh_token', options)
  const reply = await services.refresh(provider, refreshToken)
  switch (reply.kind) {
    case 'given': {
      breaker.answered(provider.name)
      const tokens = {
        ...entry.tokens,
        accessToken: reply.accessToken,
        refreshToken: reply.refreshToken ?? refreshToken,
      }
      const written = await write(entry, factsOf(reply, entry, now()), tokens, options)
      if (written) emit(told(entry, 'refreshed'))
      return { kind: 'changed' }
    }
    case 'ended':
      breaker.answered(provider.name)
      return await end(entry, reply.code, options)
    case 'refused':
      // Its refresh tokens are of no use to the client that we will be instead.
      if (reply.code === 'invalid_client' && (await options.providers.forget(provider))) {
        return await end(entry, reply.code, options)
      }
      return unavailable(tellFailed(entry, `refused: ${reply.code}`, emit))
    case 'unavailable':
      breaker.failed(provider.name)
      return unavailable(tellFailed(entry, reply.detail, emit))
  }
}

function tellFailed(entry: Entry, detail: string, emit: Emit): string {
  emit(told(entry, 'refresh_failed', detail))
  return detail
}

/** What is kept of who gave the tokens of a connection. */
export function giverOf({ connection, tokens }: Entry): Giver {
  return { grantor: connection.grantor, clientSecret: tokens.clientSecret }
}

/** The connection is over: nobody asks the provider again, until the person connects anew. */
export async function end(
  entry: Entry,
  reason: string,
  options: Pick<RefreshOptions, 'book' | 'emit' | 'pause'>,
): Promise<Refreshed> {
  if (await write(entry, { state: 'dead', reason }, undefined, options)) {
    options.emit(told(entry, 'ended', reason))
  }
  return { kind: 'changed' }
}

/** What is known of a connection after a provider gave tokens for it. */
export function factsOf(
  given: Given,
  before: { readonly connection: Pick<Facts, 'scopes' | 'label'> },
  nowMs: number,
): Omit<Facts, 'connectedAtMs' | 'grantor'> {
  const { expiresInSeconds, label, scopes } = given
  return {
    state: 'live',
    reason: undefined,
    scopes: scopes ?? before.connection.scopes,
    label: label === '' ? before.connection.label : label,
    refreshedAtMs: nowMs,
    expiresAtMs: expiresInSeconds === undefined ? undefined : nowMs + expiresInSeconds * 1_000,
  }
}

/** Whether it was written: not when the person has connected anew or disconnected meanwhile. */
async function write(
  entry: Entry,
  facts: Partial<Facts>,
  tokens: Tokens | undefined,
  { book, pause }: Pick<RefreshOptions, 'book' | 'pause'>,
): Promise<boolean> {
  let at = entry
  for (const pauseMs of [...WRITE_PAUSES_MS, undefined]) {
    try {
      if (await book.update(at, facts, tokens)) return true
      const there = await book.read(entry.connection)
      // The same tokens under another version: the row was only sealed anew.
      if (!isStill(there, entry)) return false
      at = there
    } catch (error) {
      if (pauseMs === undefined) throw error
      await pause(pauseMs)
    }
  }
  throw new Error('the connection was not written')
}

function unavailable(detail: string): Refreshed {
  return { kind: 'unavailable', detail }
}

type Told = Extract<GatehouseEvent, { readonly type: 'connection' }>

/** The event that tells what became of a connection. */
export function told(
  { connection }: { readonly connection: ConnectionId },
  action: Told['action'],
  detail?: string,
): Told {
  const { tenant, issuer, subject, provider, account } = connection
  const facts = { action, provider, account, tenant, issuer, subject }
  return { type: 'connection', ...facts, ...(detail !== undefined && { detail }) }
}
