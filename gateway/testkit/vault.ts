/** A keeper of connections over a store in memory and a provider that does what a test says. */
import type { VaultCredential } from '../model/credential.ts'
import type { GatehouseEvent } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import { createMemoryStore } from '../state/memory.ts'
import { createBook, type Facts } from '../vault/book.ts'
import { createBreaker } from '../vault/breaker.ts'
import { createConnect } from '../vault/connect.ts'
import type { ConnectionId, Tokens } from '../vault/connection.ts'
import { createEnvelopes } from '../vault/envelope.ts'
import { createKeeper } from '../vault/keeper.ts'
import { createRingWrap } from '../vault/key-wrap.ts'
import type { Providers } from '../vault/providers.ts'
import type { Given, Reply, Services } from '../vault/services.ts'
import { ACME, PLACE, RING, testProviders } from './acme.ts'
import { testCaller } from './pipeline.ts'

export const NEEDS_ACME: VaultCredential = {
  kind: 'vault',
  place: PLACE,
  provider: 'acme',
  scopes: ['read'],
  account: 'default',
  neededFor: 'calls',
}

/** Tokens that a provider gives, an hour long. */
export function given(accessToken: string, more: Partial<Given> = {}): Given {
  return {
    kind: 'given',
    accessToken,
    refreshToken: `r-${accessToken}`,
    expiresInSeconds: 3_600,
    scopes: undefined,
    label: '',
    ...more,
  }
}

export type TestVault = ReturnType<typeof createTestVault>

/**
 * @param shared The store, clock and provider of another process's vault.
 */
export function createTestVault(shared?: {
  readonly store?: Store
  readonly clock?: { nowMs: number }
  readonly refresh?: Services['refresh']
  readonly providers?: Providers
}) {
  const clock = shared?.clock ?? { nowMs: 1_000_000_000 }
  const now = (): number => clock.nowMs
  const store = shared?.store ?? createMemoryStore({ now })
  const events: GatehouseEvent[] = []
  const refreshed: string[] = []
  const provider = { reply: (async () => given('a2')) as (token: string) => Promise<Reply> }
  const refresh: Services['refresh'] =
    shared?.refresh ??
    (async (_provider, token) => {
      refreshed.push(token)
      return await provider.reply(token)
    })
  const envelopes = createEnvelopes([createRingWrap([RING])])
  const book = createBook(store, () => envelopes)
  const providers = shared?.providers ?? testProviders()
  const services: Services = {
    refresh,
    redeem: async () => ({ kind: 'unavailable', detail: 'not here' }),
    revoke: async () => true,
  }
  const keeper = createKeeper({
    book,
    services,
    store,
    breaker: createBreaker(now),
    providers,
    instance: crypto.randomUUID(),
    now,
    // Time goes on for those who wait.
    pause: async (ms) => {
      clock.nowMs += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
    random: () => 0.5,
    emit: (event) => events.push(event),
  })
  const caller = testCaller({ subject: 'alice', kind: 'human' })
  const id: ConnectionId = {
    tenant: caller.tenant,
    issuer: caller.issuer,
    subject: 'alice',
    provider: 'acme',
    account: 'default',
  }
  const connect = async (facts: Partial<Facts> = {}, tokens: Partial<Tokens> = {}) => {
    const whole: Facts = {
      state: 'live',
      scopes: ['read'],
      label: '',
      reason: undefined,
      connectedAtMs: now(),
      refreshedAtMs: now(),
      expiresAtMs: now() + 3_600_000,
      ...facts,
    }
    await book.connect(id, whole, { accessToken: 'a1', refreshToken: 'r1', ...tokens })
  }
  const find = async () => await keeper.find({ caller, credential: NEEDS_ACME })
  return {
    clock,
    store,
    events,
    refreshed,
    provider,
    refresh,
    book,
    keeper,
    caller,
    id,
    connect,
    /** Connects, and begins to connect once more. */
    begin: async () => {
      await connect()
      const pages = createConnect({
        book,
        services,
        store,
        envelopes: () => envelopes,
        providers,
        redirectUri: () => 'https://gw.example/connect/acme/callback',
        changed: () => undefined,
        now,
        emit: (event) => events.push(event),
      })
      await pages.begin({
        provider: ACME,
        owner: id,
        account: id.account,
        scopes: [],
        prompt: 'usual',
      })
    },
    find,
    /** The token that is sent, or why there is none. */
    sent: async () => {
      const found = await find()
      return found.kind === 'injection' ? found.injection[1] : found.reason
    },
  }
}
