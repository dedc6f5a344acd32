/**
 * The embedded authorization server: clients register, people sign in and decide, tokens are issued for
 * exactly one server each. One for the life of the process; a reload changes what it is set up with.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { KoaContextWithOIDC } from 'oidc-provider'
import { Provider } from 'oidc-provider'

import { createFloodGate } from '../identity/flood-gate.ts'
import type { KeyLoading } from '../identity/issuer-keys.ts'
import { createProofs } from '../identity/proofs.ts'
import type { TrustedIssuer } from '../identity/trust.ts'
import type { Caller } from '../model/caller.ts'
import type { Emit } from '../model/event.ts'
import type { Store } from '../model/store.ts'
import type { SigningKeys } from '../oauth/signing-keys.ts'
import { SESSION_COOKIE, hostCookie, readCookie } from '../pages/cookies.ts'
import type { Clients } from '../registry/clients.ts'
import type { Revocations } from '../registry/revocations.ts'
import {
  MAX_REVOCATIONS_BY_CALLERS,
  REVOCATIONS_LOST_AFTER_SECONDS,
} from '../registry/revocations.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { createAccounts, GRANT_LIFE_MS } from './accounts.ts'
import { createAdapter } from './adapter.ts'
import { createAssertionKeys } from './assertion-keys.ts'
import { createBackChannel } from './back-channel.ts'
import { createClientBook, readOnce } from './client-book.ts'
import { createClientDocuments } from './client-document.ts'
import { createConnecting } from './connecting.ts'
import { createConsents } from './consents.ts'
import { createDecision, createGrantFinder } from './decision.ts'
import { createDeviceCodes } from './device-codes.ts'
import type { ExtraGrantOptions } from './extra-grant.ts'
import { faultAnswer } from './faults.ts'
import { createFront } from './front.ts'
import { createGrantBook } from './grant-book.ts'
import { headerOf, send } from './http.ts'
import type { ProviderFetch } from './identity-provider.ts'
import { createIdentityProviders } from './identity-providers.ts'
import { createInteractions } from './interactions.ts'
import { createJwtBearer } from './jwt-bearer.ts'
import { readOwnToken } from './own-token.ts'
import { ownTrust } from './own-trust.ts'
import { createPace } from './pace.ts'
import { createPersonPages } from './person-pages.ts'
import { createPresentedTokens } from './presented-token.ts'
import { createProvider, describeServer, takesIdentityAssertions } from './provider.ts'
import type { Take } from './quotas.ts'
import { createQuotas } from './quotas.ts'
import { createRefreshLives } from './refresh-lives.ts'
import { createRefreshNames } from './refresh-names.ts'
import { reportEvents } from './report.ts'
import { createRequestMemory } from './request-memory.ts'
import type { Row, Sealing } from './rows.ts'
import { createRows } from './rows.ts'
import type { Setup } from './setup.ts'
import { createPasswordSignIn } from './sign-in.ts'
import { createSignOn } from './sign-on.ts'
import { readStatement } from './software-statement.ts'
import { createSourceSessions } from './source-sessions.ts'
import type { TokenAbout } from './token-claims.ts'
import { createTokenExchange } from './token-exchange.ts'
import { createTokenClaims } from './token-claims.ts'

/** A revocation outlives what it is about by this much, for clocks that differ. */
const REVOCATION_MARGIN_SECONDS = 120

/** Refusals that somebody gets who guesses at secrets, codes and tokens. */
const GUESSES = ['invalid_client', 'invalid_grant', 'invalid_token']

/** Of what `oidc-provider` answers itself, such as a form that takes a code to a client: never framed. */
const SAFE_HEADERS = [
  ['x-frame-options', 'DENY'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
] as const

export type Issuer = {
  /** Serves one request for the authorization server. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse, address: string): Promise<void>
  /** What it is set up with from now on. */
  configure(setup: Setup): void
  /** How the gateway reads the tokens issued here. */
  trust(): TrustedIssuer
  /** Clients that registered themselves. */
  readonly clients: Clients
  /** Takes up new keys and notes which clients have ended. Call it every minute. */
  refresh(): Promise<void>
}

export type IssuerOptions = {
  readonly setup: Setup
  readonly store: Store
  readonly book: Clients
  /** Waited for between two pages of registered clients that are counted; none when left out. */
  readonly rest?: () => Promise<void>
  readonly sessions: Sessions
  readonly revocations: Pick<Revocations, 'revoke' | 'isRevoked'>
  readonly keys: SigningKeys
  readonly sealing: () => Sealing
  /** In force now, the current one first; at least one. */
  readonly cookieKeys: () => readonly string[]
  /** Make refresh tokens and know them again; in force now, the current one first; at least one. */
  readonly refreshKeys: () => readonly string[]
  /** For whatever a client names: the public internet and nothing else. */
  readonly publicFetch: (url: string) => Promise<Response>
  /** For identity providers, which operators configured. */
  readonly fetch: ProviderFetch
  /** For the keys of those whose assertions are taken. */
  readonly keyLoading: Pick<KeyLoading, 'fetchKeys' | 'readFile'>
  /** Of what may be asked for in what time. */
  readonly take: Take
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

type Serving = {
  readonly provider: Provider
  readonly serve: ReturnType<Provider['callback']>
  readonly madeOf: string
}

export function createIssuer(options: IssuerOptions): Issuer {
  const { store, sessions, revocations, keys, now, emit } = options
  const book = readOnce(options.book, createRequestMemory(servedNow))
  let current = options.setup
  const setup = (): Setup => current
  const rows = createRows({ store, sealing: options.sealing })
  const accounts = createAccounts(setup, rows)
  const consents = createConsents(rows)
  const isSecure = setup().issuer.startsWith('https:')
  const sessionCookie = hostCookie(SESSION_COOKIE, isSecure)
  const sessionOf = (context: KoaContextWithOIDC): Promise<Session | undefined> =>
    sessions.find(readCookie(headerOf(context.req, 'cookie'), sessionCookie.name))
  const endTokens = async (kind: 'grant' | 'token' | 'session', value: string): Promise<void> => {
    const { issuer } = setup()
    // Streams go on without their token, on a replica without the store for a while.
    const longest = Math.max(longestAccessToken(setup()), REVOCATIONS_LOST_AFTER_SECONDS)
    const expiresInSeconds = longest + REVOCATION_MARGIN_SECONDS
    const upTo = MAX_REVOCATIONS_BY_CALLERS
    const by = 'authorization server'
    await revocations.revoke({ kind, issuer, value, by, expiresInSeconds, upTo })
  }
  const trust = (): TrustedIssuer => ownTrust(setup(), keys)
  const own = { trust, keys, revocations, now }
  const presented = createPresentedTokens(own)
  const isRevoked = (about: TokenAbout): boolean => revocations.isRevoked(callerOf(about, setup()))
  const granting: Pick<ExtraGrantOptions, 'describe' | 'now'> = {
    describe: (server, scopes, accessTokenSeconds) =>
      describeServer(server, scopes, { accessTokenSeconds, signingKey: keys.current }),
    now,
  }
  const readOwn = (token: string) => readOwnToken(token, own)
  const exchange = createTokenExchange({ ...granting, setup, accounts, readOwn })
  const assertionKeys = createAssertionKeys({ ...options.keyLoading, now, emit })
  const isNew = (area: string) => (text: string, ttlMs: number) =>
    store.cas(`${area}/${text}`, 0, '', { ttlMs })
  const jwtBearer = createJwtBearer({
    ...granting,
    setup,
    accounts,
    book,
    keys: assertionKeys,
    proofs: createProofs({ now, isNew: isNew('proof') }),
    isRevoked,
    isNew: isNew('assertion'),
  })
  const clients = createClientBook({
    setup,
    book,
    rows,
    now,
    workload: jwtBearer.find,
    onRegistered: (client, { kind, token, statement, address }) =>
      emit({ type: 'client_registered', client, kind, token, statement, address }),
  })
  const refreshNames = createRefreshNames(options.refreshKeys)
  const adapter = {
    rows,
    store,
    seen: createRequestMemory<Row>(servedNow),
    now,
    clients,
    presentedToken: presented.find,
    revokeGrant: (grant: string) => endTokens('grant', grant),
    revokeToken: (id: string) => endTokens('token', id),
    grantOfRefresh: refreshNames.grantOf,
  }
  const documents = createClientDocuments({ setup, publicFetch: options.publicFetch, store, now })
  const gate = createFloodGate(now)
  const emitAndCount: Emit = (event) => {
    if (event.type === 'oauth_refused' && GUESSES.includes(event.error)) {
      gate.countFailure(event.address)
    }
    emit(event)
  }
  const provider = (): Provider => serving.provider
  const grants = createGrantBook({
    rows,
    adapter: (model) => createAdapter(model, adapter),
    revokeGrant: adapter.revokeGrant,
  })
  /** First what holds at once, then what it stands for: the list of revocations need not keep it for long. */
  const endSession = async ({ id, key }: Pick<Session, 'id' | 'key'>): Promise<void> => {
    await endTokens('session', id)
    await sessions.end({ key })
    await grants.endSession(id)
  }
  const sources = createSourceSessions(rows)
  const providers = createIdentityProviders({ setup, fetch: options.fetch, now, emit })
  const deciding = { provider, setup, accounts, consents, book, grants, sources, emit }
  const build = (madeOf: string): Serving => {
    const made = createProvider({
      setup,
      adapter,
      book,
      accounts,
      documents,
      claims: createTokenClaims({ setup, book, accounts, grants, isRevoked }),
      extraGrants: [exchange, jwtBearer],
      refreshLives: createRefreshLives({ setup, book, store, now }),
      signingKey: keys.current,
      keys: keys.all(),
      cookieKeys: options.cookieKeys(),
      refreshNames,
      needsSignIn: async (context) =>
        (await sessionOf(context))?.subject !== context.oidc.session?.accountId,
      rememberedGrant: createGrantFinder({ ...deciding, sessionOf }),
    })
    reportEvents(made, emitAndCount)
    return { provider: made, serve: made.callback(), madeOf }
  }
  const madeOf = (): string =>
    JSON.stringify([
      keys.all().map(({ kid }) => kid),
      options.cookieKeys(),
      setup().documents.mode !== 'off',
      takesIdentityAssertions(setup()),
      // A new provider asks for documents anew, and then they are read by the new lists.
      setup().registration.redirectHosts,
      [...setup().signIn.values()].map(({ assertions }) => assertions?.clientHosts),
    ])
  let serving = build(madeOf())
  /** A provider costs 2 ms to make, and is made anew only for what it cannot ask for later. */
  const renew = (): void => {
    const next = madeOf()
    if (next !== serving.madeOf) serving = build(next)
  }
  const signOn = createSignOn({
    setup,
    rows,
    sessions,
    sessionCookie,
    stateCookie: hostCookie('gatehouse-sign-on', isSecure),
    providers,
    sources,
    emit,
  })
  const signIn = createPasswordSignIn({ setup, store, emit })
  const front = createFront({
    setup,
    serve: (request, response) => {
      for (const [name, value] of SAFE_HEADERS) response.setHeader(name, value)
      void serving.serve(request, response)
    },
    pages: createInteractions({
      provider,
      setup,
      sessions,
      sessionCookie,
      signIn,
      signOn,
      decision: createDecision(deciding),
      connecting: createConnecting(deciding),
    }),
    signOn,
    personPages: createPersonPages({
      setup,
      sessions,
      sessionCookie,
      formCookie: hostCookie('gatehouse-form', isSecure),
      signIn,
      signOn,
      consents,
      grants,
      endSession,
      emit,
    }),
    backChannel: createBackChannel({
      providers,
      sources,
      rows,
      store,
      endSession,
      endPerson: async (value, by) => {
        const { issuer } = setup()
        const expiresInSeconds = GRANT_LIFE_MS / 1_000
        await revocations.revoke({ kind: 'subject', issuer, value, by, expiresInSeconds })
      },
      now,
      emit,
    }),
    clients,
    registration: {
      setup,
      book,
      store,
      now,
      readStatement: (text) =>
        readStatement(text, { setup: setup(), keys: assertionKeys, nowSeconds: now() / 1_000 }),
    },
    presented,
    jwtBearer,
    isGuessing: (address) => !gate.mayFail(address),
    mayBegin: createPace({ store, now }),
    isKnownBrowser: (request) =>
      readCookie(headerOf(request, 'cookie'), provider().cookieName('session')) !== undefined,
    quotas: createQuotas({ limits: () => setup().limits, take: options.take, now }),
    deviceCodes: createDeviceCodes(store),
    onRefused: (endpoint, error, address, detail) =>
      emitAndCount({ type: 'oauth_refused', endpoint, error, client: undefined, address, detail }),
  })
  assertionKeys.configure(setup())
  // Not waited for: somebody who is down must not keep everything else from being served.
  void assertionKeys.refresh()
  return {
    handle: async (request, response, address) => {
      try {
        await front(request, response, address)
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error)
        emit({ type: 'warning', what: 'authorization_server', detail })
        if (response.headersSent) response.destroy()
        else send(response, faultAnswer((request.url ?? '').split('?', 1)[0] ?? '', error))
      }
    },
    configure: (next) => {
      current = next
      assertionKeys.configure(next)
      void assertionKeys.refresh()
      renew()
    },
    trust,
    clients: book,
    refresh: async () => {
      renew()
      void assertionKeys.refresh()
      for (const { id } of await book.sweep(options.rest))
        emit({ type: 'client_removed', client: id, why: 'idle' })
    },
  }
}

/** The request that `oidc-provider` is serving. */
const servedNow = (): object | undefined => Provider.ctx

/** How long a revocation of access tokens has to be remembered, in seconds. */
function longestAccessToken({ lives }: Pick<Setup, 'lives'>): number {
  return Math.max(...Object.values(lives).map(({ accessTokenSeconds }) => accessTokenSeconds))
}

/** A token that is about to be issued, as the revocation list looks at it. */
function callerOf(about: TokenAbout, { issuer, tenant }: Setup): Caller {
  const { subject, client, grant, session, sinceSeconds } = about
  return {
    tenant,
    issuer,
    subject,
    client,
    kind: 'agent',
    via: 'jwt',
    groups: new Set(),
    scopes: new Set(),
    actors: [],
    interactive: true,
    tokenId: undefined,
    grant,
    session,
    issuedAtSeconds: sinceSeconds,
    expiresAtSeconds: Infinity,
  }
}
