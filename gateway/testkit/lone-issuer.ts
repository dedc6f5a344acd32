/**
 * The authorization server by itself, in the process of the test, with documents handed to it that stand for
 * the public internet: a gateway of its own would ask nobody on loopback for a client's description.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createKeyDocuments } from '../identity/key-documents.ts'
import { createIssuer } from '../issuer/issuer.ts'
import type { ProtectedServer, Setup } from '../issuer/setup.ts'
import { openSigningKeys } from '../oauth/signing-keys.ts'
import { createClients } from '../registry/clients.ts'
import { createRevocations } from '../registry/revocations.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { createSessions } from '../sessions/sessions.ts'
import { createMemoryStore } from '../state/memory.ts'
import { leavingStore } from './away-store.ts'
import { cheapHash } from './cheap-hash.ts'
import { livesOf } from './lives.ts'
import { ALICE } from './oauth-agent.ts'

export type LoneIssuer = {
  readonly origin: string
  /** Its public keys, for whoever trusts it. */
  readonly keys: readonly unknown[]
  /** Addresses of documents that it asked for. */
  readonly fetched: readonly string[]
  stop(): void
}

export type LoneIssuerOptions = {
  /** Descriptions of clients by their address. */
  readonly documents: Readonly<Record<string, unknown>>
  /** Of the settings for such documents, besides that any site may have some. */
  readonly rules?: Partial<Setup['documents']>
  /** Its clock, epoch milliseconds; the system's when left out. */
  readonly now?: () => number
  /** Whom it issues tokens for; one called `docs` below its own origin when left out. */
  readonly servers?: readonly ProtectedServer[]
  /** Who speaks for people; nobody when left out. */
  readonly signIn?: Setup['signIn']
  /** Who may register; nobody when left out. */
  readonly registration?: Partial<Setup['registration']>
  /** Whether its store is away just now; never when left out. */
  readonly isAway?: () => boolean
  /** Whether too much is asked for from everywhere just now; never when left out. */
  readonly isCrowded?: () => boolean
  /** Whether something fails in it just now that never should; never when left out. */
  readonly isBroken?: () => boolean
}

export async function startLoneIssuer(options: LoneIssuerOptions): Promise<LoneIssuer> {
  const { now = Date.now, isCrowded = () => false, isBroken = () => false } = options
  const store = leavingStore(createMemoryStore({ now }), options.isAway ?? (() => false))
  const seals = createSeals([temporaryKey()])
  const keys = await openSigningKeys({
    store,
    seal: (text) => seals.seal('signing-key', [], text),
    open: (sealed) => seals.open('signing-key', [], sealed),
    isLasting: false,
    now,
  })
  const server = createServer((request, response) => {
    void issuer.handle(request, response, '127.0.0.1')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const revocations = createRevocations({ store, now, emit: () => {} })
  await revocations.load()
  const fetched: string[] = []
  const cookieKey = randomBytes(32).toString('hex')
  const issuer = createIssuer({
    setup: setupOf(origin, options),
    store,
    book: createClients({ store, now }),
    sessions: createSessions({ store, now }),
    revocations,
    keys,
    sealing: () => ({
      seal: (bound, text) => seals.seal('oauth', bound, text),
      open: (bound, sealed) => seals.open('oauth', bound, sealed),
    }),
    cookieKeys: () => [cookieKey],
    refreshKeys: () => [cookieKey],
    fetch: () => Promise.reject(new Error('nobody is asked here')),
    keyLoading: {
      fetchKeys: createKeyDocuments({
        fetchJson: () => Promise.reject(new Error('nobody is asked here')),
        now,
      }),
      readFile: () => Promise.reject(new Error('nothing is read here')),
    },
    publicFetch: async (url) => {
      fetched.push(url)
      const headers = { 'cache-control': 'max-age=60' }
      return Response.json(options.documents[url] ?? {}, { headers })
    },
    take: async () => {
      if (isBroken()) throw new Error('broken for a test')
      return isCrowded() ? { ok: false, retryAfterSeconds: 7 } : { ok: true, giveBack: () => {} }
    },
    now,
    emit: () => {},
  })
  return {
    origin,
    keys: keys.jwks().keys,
    fetched,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function setupOf(origin: string, options: LoneIssuerOptions): Setup {
  const { rules, signIn = new Map() } = options
  const { servers = [{ name: 'docs', resource: `${origin}/mcp`, scopes: [] }] } = options
  const alice = { passwordHash: cheapHash(ALICE.password), name: 'Alice' }
  return {
    issuer: origin,
    tenant: 'default',
    lives: livesOf(),
    users: new Map([['alice', { ...alice, groups: [], scopes: undefined }]]),
    signIn,
    workloads: new Map(),
    limits: { network: { perSecond: 1, burst: 1 }, client: undefined },
    clients: new Map(),
    registration: {
      mode: 'off',
      redirectHosts: undefined,
      idleMs: 60_000,
      perMinute: 100,
      maxClients: 1,
      tokens: new Map(),
      statements: new Map(),
      ...options.registration,
    },
    documents: { mode: 'open', hosts: [], humanHosts: [], ...rules },
    servers,
    allowedOrigins: [],
    toolsFor: async () => [],
    accountsFor: async () => [],
    connectAt: () => '',
    connectPath: undefined,
    silentTargets: [],
  }
}
