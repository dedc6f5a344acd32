/**
 * Connecting an account: out to the provider's consent page with a state that works once, in this
 * browser and for this person, and back with a code (RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 9700 §4.7).
 * Each provider has a redirect URI of its own, so that an answer cannot be taken for another's.
 */
import { createHash, randomBytes } from 'node:crypto'

import * as oauth from 'oauth4webapi'

import type { Emit } from '../model/event.ts'
import type { Detour } from '../model/detour.ts'
import type { Grantor, Provider } from '../model/provider.ts'
import type { Store } from '../model/store.ts'
import { keyOf, type Book } from './book.ts'
import type { ConnectionId, Owner } from './connection.ts'
import type { Envelope, Envelopes } from './envelope.ts'
import type { Providers } from './providers.ts'
import { factsOf, giverOf, told } from './refresh.ts'
import type { Services } from './services.ts'

/** Time to sign in at the provider and to read its page. */
export const CONNECTING_MS = 10 * 60_000

export type Begin = {
  readonly provider: Provider
  readonly owner: Owner
  readonly account: string
  /** Besides those the provider is always asked for. */
  readonly scopes: readonly string[]
  /** The server it is for, to be named on the page; undefined for who came without a link. */
  readonly server?: string | undefined
  /** What the person was in the middle of, to come back to. */
  readonly detour?: Detour | undefined
  /** The call it is for; undefined where it is for none. */
  readonly asked?: AskedBy | undefined
  /** The person's address, for a provider that takes it. */
  readonly address?: string | undefined
  /** `none`: the provider shows no page, or says that it must. `choose`: it asks which account, where it can. */
  readonly prompt: 'none' | 'usual' | 'choose'
}

/** The client of a call that waits for a connection, and the link it was given. */
export type AskedBy = { readonly url: string; readonly client: string; readonly server: string }

/** What came back from the provider, and who brought it. */
export type Return = {
  /** Name of the provider whose redirect URI it is. */
  readonly provider: string
  readonly parameters: URLSearchParams
  readonly owner: Owner
  /** The value that `begin` gave the browser; undefined for a browser that has none. */
  readonly browser: string | undefined
}

export type Finished = Outcome & {
  /** What the person was in the middle of. */
  readonly detour?: Detour | undefined
  /** The call it was for. */
  readonly asked?: AskedBy | undefined
}

export type Outcome =
  | { readonly kind: 'connected'; readonly id: ConnectionId; readonly lacking: readonly string[] }
  /** Not begun here, by this person in this browser, or too long ago, or for the second time. */
  | { readonly kind: 'unknown' }
  /** The person, or the provider, said no. `code` is an OAuth error code. */
  | { readonly kind: 'denied'; readonly code: string }
  /** Nothing was shown, and something must be: this is what was wanted. */
  | { readonly kind: 'must_ask'; readonly wanted: Wanted }
  /** The provider did not give tokens. */
  | { readonly kind: 'failed' }

/** What a person set out to connect. */
export type Wanted = Pick<Begin, 'account' | 'scopes' | 'server'>

export type Connect = {
  /** Where to send the browser, and a value for it to bring back in a cookie. */
  begin(begin: Begin): Promise<{ readonly url: string; readonly browser: string }>
  finish(back: Return): Promise<Finished>
  /** Forgets a connection and tells the provider. @returns false when there was none. */
  disconnect(id: ConnectionId): Promise<boolean>
}

export type ConnectOptions = {
  readonly book: Book
  readonly services: Services
  readonly store: Pick<Store, 'put' | 'consume'>
  readonly envelopes: () => Envelopes
  readonly providers: Pick<Providers, 'giver' | 'forget'>
  /** Where a provider sends browsers back to. */
  readonly redirectUri: (provider: string) => string
  /** Tells whoever keeps connections ready that this one has changed. */
  readonly changed: (id: ConnectionId) => void
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

/** What is remembered while a person is at the provider. */
type Row = ConnectionId & {
  readonly browser: string
  readonly scopes: readonly string[]
  /** Those of them that the person is told of when they are not given. */
  readonly needed: readonly string[]
  readonly server?: string | undefined
  readonly prompt: Begin['prompt']
  readonly detour?: Detour | undefined
  readonly asked?: AskedBy | undefined
  /** Where the person was sent; undefined for a provider that was written down. */
  readonly grantor?: Grantor | undefined
  readonly sealed: Envelope
}

/** What of it is secret. */
type Secrets = { readonly verifier: string; readonly clientSecret: string | undefined }

export function createConnect(options: ConnectOptions): Connect {
  return {
    begin: (begin) => beginAt(begin, options),
    finish: (back) => finish(back, options),
    disconnect: (id) => disconnect(id, options),
  }
}

async function beginAt(
  { provider, owner, account, scopes, server, detour, asked, address, prompt }: Begin,
  { envelopes, redirectUri, store }: ConnectOptions,
): Promise<{ readonly url: string; readonly browser: string }> {
  const [state, browser] = [oauth.generateRandomState(), randomBytes(32).toString('base64url')]
  const verifier = oauth.generateRandomCodeVerifier()
  const id = { ...owner, provider: provider.name, account }
  const all = [...new Set([...provider.scopes, ...scopes])]
  const { client, grantor } = provider
  const isRegistered = grantor?.client.source === 'registered'
  const clientSecret = isRegistered ? client.secret?.reveal() : undefined
  const secrets: Secrets = { verifier, clientSecret }
  const row: Row = {
    ...id,
    browser: digest(browser),
    scopes: all,
    // A server that names its own scopes is known to take fewer.
    needed: (grantor === undefined ? all : scopes).filter((scope) => scope !== 'offline_access'),
    server,
    prompt,
    detour,
    asked,
    grantor,
    sealed: await envelopes().seal({ ...id, connection: account }, JSON.stringify(secrets)),
  }
  await store.put(stateKey(state), JSON.stringify(row), { ttlMs: CONNECTING_MS })
  const url = new URL(provider.authorizeUrl)
  const parameters = {
    ...provider.authorizeParameters,
    ...promptOf(provider, prompt),
    ...(provider.loginHint && isUsual(prompt) && address !== undefined && { login_hint: address }),
    response_type: 'code',
    client_id: provider.client.id,
    redirect_uri: redirectUri(provider.name),
    state,
    ...(all.length > 0 && { [provider.scopeParameter]: all.join(provider.scopeSeparator) }),
    ...(provider.pkce && {
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return { url: url.href, browser }
}

/** Words of OpenID Connect Core §3.1.2.1, for those who understand them. */
function promptOf(
  { authorizeParameters, loginHint, silent }: Provider,
  prompt: Begin['prompt'],
): { readonly prompt?: string } {
  if (prompt === 'none') return { prompt }
  if (prompt === 'usual' || !(silent || loginHint)) return {}
  const configured = authorizeParameters['prompt']?.split(' ') ?? []
  return { prompt: [...new Set([...configured, 'select_account'])].join(' ') }
}

/** Whoever chooses among several accounts is not led to the one that is known. */
function isUsual(prompt: Begin['prompt']): boolean {
  return prompt !== 'choose'
}

async function finish(back: Return, options: ConnectOptions): Promise<Finished> {
  const row = await takeRow(back, options)
  if (row === undefined) return { kind: 'unknown' }
  const { detour, asked } = row
  return { ...(await redeem(row, back, options)), detour, ...(asked !== undefined && { asked }) }
}

/** A provider that says so has forgotten its client, or never had it. */
const UNKNOWN_CLIENT: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client'])

async function redeem(row: Row, back: Return, options: ConnectOptions): Promise<Outcome> {
  const { parameters, owner } = back
  const { book, envelopes, now, providers, services } = options
  const { account, grantor } = row
  const id = { ...owner, provider: back.provider, account }
  const opened = await envelopes().open({ ...id, connection: account }, row.sealed)
  if (opened === undefined) return { kind: 'unknown' }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed by this file alone
  const { verifier, clientSecret } = JSON.parse(opened.text) as Secrets
  const provider = providers.giver(back.provider, { grantor, clientSecret })
  if (provider === undefined) return { kind: 'unknown' }
  const answer = checkAnswer(provider, parameters)
  const { prompt, scopes, server } = row
  const mustAsk = { kind: 'must_ask', wanted: { account, scopes, server } } as const
  if (answer.kind === 'denied' && prompt === 'none' && MUST_ASK.has(answer.code)) return mustAsk
  if (answer.kind !== 'code') {
    if (answer.kind === 'denied' && UNKNOWN_CLIENT.has(answer.code))
      await providers.forget(provider)
    return answer
  }
  const redirectUri = options.redirectUri(provider.name)
  const reply = await services.redeem(provider, { code: answer.code, redirectUri, verifier })
  if (reply.kind !== 'given') {
    // The next attempt is that of a client which the provider knows.
    if (reply.kind === 'refused' && UNKNOWN_CLIENT.has(reply.code)) await providers.forget(provider)
    const detail = reply.kind === 'unavailable' ? reply.detail : reply.code
    options.emit(told({ connection: id }, 'refresh_failed', `not connected: ${detail}`))
    return { kind: 'failed' }
  }
  const asked = { connection: { scopes: row.scopes, label: '' } }
  const facts = { ...factsOf(reply, asked, now()), connectedAtMs: now(), grantor }
  const lacking = row.needed.filter((scope) => !facts.scopes.includes(scope))
  const { accessToken, refreshToken } = reply
  // Some give less to who is not asked, and nothing that lasts.
  const lasts = refreshToken !== undefined || facts.expiresAtMs === undefined
  if (prompt === 'none' && (lacking.length > 0 || !lasts)) return mustAsk
  await book.connect(id, facts, { accessToken, refreshToken, clientSecret })
  options.changed(id)
  options.emit(told({ connection: id }, 'connected'))
  return { kind: 'connected', id, lacking }
}

/** What was remembered of this state, if it is of this provider, person and browser. It works once. */
async function takeRow(
  { provider, parameters, owner, browser }: Return,
  { store }: ConnectOptions,
): Promise<Row | undefined> {
  const [state, ...more] = parameters.getAll('state')
  if (state === undefined || more.length > 0) return undefined
  // Spent whoever brings it.
  const text = await store.consume(stateKey(state))
  if (text === undefined || browser === undefined) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  const row = JSON.parse(text) as Row
  const isHis =
    row.tenant === owner.tenant && row.issuer === owner.issuer && row.subject === owner.subject
  return isHis && row.provider === provider && row.browser === digest(browser) ? row : undefined
}

/** What a provider says to `prompt=none` where it has to show a page (OpenID Connect Core §3.1.2.6). */
const MUST_ASK: ReadonlySet<string> = new Set([
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'login_required',
])

type Answer =
  | { readonly kind: 'code'; readonly code: string }
  | Extract<Outcome, { kind: 'denied' | 'unknown' }>

/** Whether it is an answer of this provider: RFC 6749 §4.1.2 and RFC 9207 §2.4. The state was looked at. */
function checkAnswer(provider: Provider, parameters: URLSearchParams): Answer {
  const server = {
    issuer: provider.issuer ?? new URL(provider.authorizeUrl).origin,
    authorization_response_iss_parameter_supported: provider.sendsIssuer,
  }
  const read = new URLSearchParams(parameters)
  // Of a provider whose issuer nobody wrote down there is nothing to compare with.
  if (provider.issuer === undefined) read.delete('iss')
  try {
    const client = { client_id: provider.client.id }
    const checked = oauth.validateAuthResponse(server, client, read, oauth.skipStateCheck)
    const code = checked.get('code')
    return code === null ? { kind: 'unknown' } : { kind: 'code', code }
  } catch (error) {
    if (!(error instanceof oauth.AuthorizationResponseError)) return { kind: 'unknown' }
    const code = /^[\w-]{1,64}$/.test(error.error) ? error.error : 'unknown_error'
    return { kind: 'denied', code }
  }
}

async function disconnect(id: ConnectionId, options: ConnectOptions): Promise<boolean> {
  const { book, providers, services } = options
  // A key service that is away must not keep anybody from ending what is done in their name.
  const entry = await book.read(id).catch(() => 'unreadable' as const)
  if (!(await book.delete(id))) return false
  options.changed(id)
  let detail = 'the provider was not told'
  if (entry !== undefined && entry !== 'unreadable') {
    const provider = providers.giver(id.provider, giverOf(entry))
    const { accessToken, refreshToken = accessToken } = entry.tokens
    const isTold = provider !== undefined && (await services.revoke(provider, refreshToken))
    if (isTold) detail = 'revoked at the provider'
  }
  options.emit(told({ connection: id }, 'disconnected', detail))
  return true
}

function stateKey(state: string): string {
  return `connecting/${digest(state)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** The key under which a link is remembered once it was used. */
export function linkKey(id: ConnectionId, nonce: string): string {
  return `connect-link/${digest(`${keyOf(id)} ${nonce}`)}`
}
