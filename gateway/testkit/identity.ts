/** An `identify` with everything around it in the hands of the test. */
import type { ApiKeyEntry, TrustedIssuer } from '../identity/trust.ts'
import type { Handover, Identify, IdentifyOptions, Presented } from '../identity/identify.ts'
import { createIdentify } from '../identity/identify.ts'
import { createKeyDocuments } from '../identity/key-documents.ts'
import type { Introspect } from '../model/introspection.ts'
import type { Caller } from '../model/caller.ts'
import type { GatehouseEvent } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Signer } from './signer.ts'

export const ISSUER = 'https://idp.example'
export const RESOURCE = 'https://gw.example/mcp/db'

/** An issuer as the settings' defaults make it, with the keys of these signers. */
export function trustedIssuer(
  signers: readonly Signer[],
  more: Partial<TrustedIssuer> = {},
): TrustedIssuer {
  return {
    issuer: ISSUER,
    tenant: 'default',
    introspection: undefined,
    jwks: { kind: 'inline', keys: signers.map(({ jwk }) => ({ ...jwk })) },
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    types: ['at+jwt'],
    audiences: [],
    allowManyAudiences: false,
    claims: {
      subject: 'sub',
      client: ['client_id', 'azp'],
      groups: 'groups',
      scopes: 'scope',
      kind: undefined,
      grant: 'gid',
      session: 'sid',
    },
    kind: 'agent',
    clients: new Map(),
    interactive: true,
    scopeIncludes: new Map(),
    ...more,
  }
}

/** A server of which identity reads these fields. */
export function protectedServer(more: Partial<McpServer> = {}): McpServer {
  return {
    name: 'db',
    host: 'gw.example',
    path: '/mcp/db',
    resource: RESOURCE,
    audiences: [more.resource ?? RESOURCE],
    issuers: undefined,
    scopes: [],
    initialScopes: undefined,
    upstream: {
      transport: 'http',
      origin: 'http://127.0.0.1:1',
      path: '/mcp',
      tls: undefined,
      connectTimeoutMs: 1,
      headersTimeoutMs: 1,
      totalTimeoutMs: 1,
      idleTimeoutMs: 1,
      maxConnections: 1,
    },
    credential: { kind: 'none' },
    toolCredentials: undefined,
    ruleCredentials: undefined,
    fallback: undefined,
    anonymous: false,
    methods: new Set(),
    resourceUris: 'canonical',
    unlisted: 'deny',
    eras: 'probe',
    refusals: 'jsonrpc',
    routes: [],
    pin: 'watch',
    decisionPoint: undefined,
    consent: undefined,
    maxBodyBytes: 1,
    ...more,
  }
}

export type TestIdentityOptions = {
  readonly issuers?: readonly TrustedIssuer[]
  readonly apiKeys?: readonly ApiKeyEntry[]
  readonly fetchJson?: (url: string) => Promise<unknown>
  readonly readFile?: (file: string) => Promise<string>
  readonly handover?: Handover
  /** What issuers say of tokens; none is there to ask when left out. */
  readonly introspect?: Introspect
  /** Which proofs came before; remembered by this identity alone when left out. */
  readonly isNew?: (text: string, ttlMs: number) => Promise<boolean>
  /** How many proofs are noted; any number when left out. */
  readonly makeRoom?: IdentifyOptions['makeRoom']
  /** Shared by the two identifies of a reload. */
  readonly world?: TestWorld
}

/** The clock, the revocation list and what was said. */
export type TestWorld = {
  nowMs: number
  epoch: number
  /** Times the revocation list was asked. */
  asked: number
  staleness: 'fresh' | 'stale' | 'lost'
  isRevoked: (caller: Caller) => boolean
  readonly events: GatehouseEvent[]
}

export type TestIdentity = {
  readonly identify: Identify
  readonly world: TestWorld
  /** `unauthenticated: missing` for a refusal with that code and detail; else the caller. */
  ask(presented: Partial<Presented>, server?: McpServer): Promise<Caller | string>
  bearer(token: string, server?: McpServer): Promise<Caller | string>
  /** Claims that are valid now, with these changed. */
  claims(more?: object): Record<string, unknown>
}

/** What a request presents: nothing, but for what is given. */
export function presenting(more: Partial<Presented>): Presented {
  return {
    authorization: undefined,
    apiKey: undefined,
    address: '192.0.2.1',
    httpMethod: 'POST',
    target: new URL(RESOURCE).pathname,
    ...more,
  }
}

/** Says of every text once that it is new. */
function firstTime(): (text: string) => Promise<boolean> {
  const seen = new Set<string>()
  return (text) => Promise.resolve(!seen.has(text) && seen.add(text).has(text))
}

export function testWorld(): TestWorld {
  return {
    nowMs: 1_800_000_000_000,
    epoch: 1,
    staleness: 'fresh',
    asked: 0,
    isRevoked: () => false,
    events: [],
  }
}

/** Builds one; throws what `createIdentify` throws. */
export function testIdentity(options: TestIdentityOptions = {}): TestIdentity {
  const world = options.world ?? testWorld()
  const now = () => world.nowMs
  const identify = createIdentify({
    issuers: options.issuers ?? [],
    apiKeys: options.apiKeys ?? [],
    revocations: {
      get epoch() {
        return world.epoch
      },
      get staleness() {
        return world.staleness
      },
      isRevoked: (caller) => {
        world.asked += 1
        return world.isRevoked(caller)
      },
    },
    fetchKeys: createKeyDocuments({ fetchJson: options.fetchJson ?? outOfReach, now }),
    readFile: options.readFile ?? outOfReach,
    now,
    emit: (event) => world.events.push(event),
    isNew: options.isNew ?? firstTime(),
    makeRoom: options.makeRoom ?? (() => () => {}),
    introspect:
      options.introspect ??
      (() => Promise.resolve({ kind: 'unavailable', detail: 'nobody to ask' })),
    ...(options.handover !== undefined && { handover: options.handover }),
  })
  const ask = async (presented: Partial<Presented>, server = protectedServer()) => {
    try {
      return await identify(presenting(presented), server)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return `${error.code}: ${error.extra.detail}`
    }
  }
  return {
    identify,
    world,
    ask,
    bearer: (token, server) => ask({ authorization: `Bearer ${token}` }, server),
    claims: (more = {}) => ({
      iss: ISSUER,
      aud: RESOURCE,
      sub: 'alice',
      client_id: 'agent-a',
      iat: world.nowMs / 1000 - 10,
      exp: world.nowMs / 1000 + 290,
      jti: 'token-1',
      ...more,
    }),
  }
}

async function outOfReach(place: string): Promise<never> {
  throw new Error(`${place} is out of reach`)
}
