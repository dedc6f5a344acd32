/**
 * Who we are at an authorization server that was discovered, in the order of the MCP specification ("Client
 * Registration Approaches"): the client that the operator registered there, else the address of the document
 * that describes us, else a client that we register ourselves (RFC 7591). What was registered is kept for each
 * server and issuer, and never shown to another issuer.
 */
import { createHash } from 'node:crypto'

import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import type { OAuthClient } from '../model/credential.ts'
import type { Emit } from '../model/event.ts'
import { isLoopback } from '../model/loopback.ts'
import type { Grantor, RemoteProvider } from '../model/provider.ts'
import { Secret } from '../model/secret.ts'
import type { Store } from '../model/store.ts'
import type { Envelope, Envelopes } from './envelope.ts'
import type { Authority } from './find-authority.ts'
import type { Members } from './metadata-document.ts'
import { DiscoveryError, isMembers, textIn } from './metadata-document.ts'

/** A registration is used for so long; connections made with it keep what they need of it. */
const KEPT_MS = 90 * 24 * 3_600_000

/** A secret that ends sooner is not begun with: the person has ten minutes to come back. */
const MARGIN_MS = 15 * 60_000

/**
 * How often a person may begin with a client within this time; the next attempt is that of a new one. An issuer
 * that has forgotten a client shows its error to the person and never sends anybody back to tell us.
 */
const TRIES = { max: 2, withinMs: 10 * 60_000 }

/**
 * How many clients a person may have an issuer register within this time; after that the last one has to do. An
 * issuer that counts what comes from our address would else soon take none for anybody.
 */
const REGISTRATIONS = { max: 5, withinMs: 24 * 3_600_000 }

/** The longest client id and secret that are kept, in characters. */
const MAX_CHARS = 4_096

/** How we can authenticate at a token endpoint, the better first. */
const AUTH_METHODS = [
  ['client_secret_basic', 'basic'],
  ['client_secret_post', 'post'],
  ['none', 'none'],
] as const

export type Enrolled = {
  readonly client: OAuthClient
  readonly source: Grantor['client']['source']
}

export type Enrolling = {
  readonly authority: Authority
  /** Reaches it. */
  readonly fetch: OAuthFetch
  /** Tells people apart. */
  readonly person: string
}

export type Enrolments = {
  /** @throws {DiscoveryError} where nothing of the three is possible. */
  enrol(remote: RemoteProvider, how: Enrolling): Promise<Enrolled>
  /** The issuer does not know this client any more: the next one to connect has another. */
  forget(provider: string, grantor: Grantor): Promise<void>
}

export type EnrolmentsOptions = {
  readonly store: Pick<Store, 'get' | 'put' | 'delete' | 'count'>
  readonly envelopes: () => Envelopes
  readonly redirectUri: (provider: string) => string
  /** Our origin. */
  readonly origin: string
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

/** A client that was registered. */
type Row = Pick<Grantor['client'], 'id' | 'auth'> & {
  /** Undefined for a client without a secret. */
  readonly sealed: Envelope | undefined
  /** Undefined for one that does not end. */
  readonly secretEndsAtMs: number | undefined
}

/** What of the three it is at this authorization server. */
export type Source =
  | { readonly kind: 'configured' | 'document'; readonly client: OAuthClient }
  | { readonly kind: 'registered' }

/** What the operator has configured comes first, then a document where it is taken, then a registration. */
export function sourceOf(remote: RemoteProvider, { takesDocuments }: Authority): Source {
  const { client, clientDocument: id } = remote
  if (client !== undefined) return { kind: 'configured', client }
  if (!takesDocuments || id === undefined) return { kind: 'registered' }
  return { kind: 'document', client: { id, auth: 'none', secret: undefined } }
}

/**
 * Where we register, and how we would authenticate.
 *
 * @throws {DiscoveryError} where we cannot.
 */
export function registrationAt({ issuer, registerUrl: url, authMethods }: Authority): {
  readonly url: string
  readonly method: string
} {
  if (url === undefined) {
    throw new DiscoveryError(`${issuer} lets no client register by itself: ${BY_HAND}`)
  }
  const [method] = AUTH_METHODS.find(([name]) => authMethods.includes(name)) ?? []
  if (method === undefined) {
    throw new DiscoveryError(`${issuer} wants clients to authenticate in ways not known here`)
  }
  return { url, method }
}

/** What helps where we cannot. */
const BY_HAND = 'register a client there by hand, and write it into client and issuer'

export function createEnrolments(options: EnrolmentsOptions): Enrolments {
  const { store, emit } = options
  return {
    async enrol(remote, { authority, fetch, person }) {
      const source = sourceOf(remote, authority)
      if (source.kind !== 'registered') return { client: source.client, source: source.kind }
      const { issuer } = authority
      const known = await readRow(remote.name, issuer, options)
      if (known !== undefined) {
        const key = `registration-tries/${digest([known.client.id, person])}`
        if ((await store.count(key, 1, TRIES.withinMs)) <= TRIES.max) return known
      }
      const spent = `registrations-for/${digest([remote.name, issuer, person])}`
      const isTooMany = (await store.count(spent, 1, REGISTRATIONS.withinMs)) > REGISTRATIONS.max
      if (isTooMany && known !== undefined) return known
      const told = { type: 'provider_registration', provider: remote.name } as const
      try {
        if (isTooMany) throw new DiscoveryError(`${issuer}: one person has had too many clients`)
        const enrolled = await register(remote, { authority, fetch }, options)
        emit({ ...told, issuer, ok: true, client: enrolled.client.id })
        return enrolled
      } catch (error) {
        const detail = error instanceof DiscoveryError ? error.message : 'registration failed'
        emit({ ...told, issuer, ok: false, detail })
        throw error
      }
    },
    async forget(provider, { issuer, client }) {
      const key = keyOf(provider, issuer, options)
      const row = await readStored(key, options)
      if (row?.id === client.id) await store.delete(key)
    },
  }
}

/** What describes us, at an address of ours or in a registration (RFC 7591 §2). */
export function clientMetadata(options: {
  readonly redirectUri: string
  readonly origin: string
  readonly authMethod: string
}): Members {
  const { redirectUri, origin, authMethod } = options
  const { host, hostname } = new URL(origin)
  return {
    client_name: `Gatehouse at ${host}`,
    client_uri: origin,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: authMethod,
    // For `web`, servers refuse http, which a gateway on this machine is spoken to by (OIDC Registration §2).
    application_type: isLoopback(hostname) ? 'native' : 'web',
  }
}

async function register(
  remote: RemoteProvider,
  { authority, fetch }: Pick<Enrolling, 'authority' | 'fetch'>,
  options: EnrolmentsOptions,
): Promise<Enrolled> {
  const { issuer } = authority
  const { url, method } = registrationAt(authority)
  const { origin, redirectUri } = options
  const wanted = { origin, redirectUri: redirectUri(remote.name), authMethod: method }
  const answer = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(clientMetadata(wanted)),
  }).catch((error: unknown) => {
    throw new DiscoveryError(error instanceof Error ? error.message : `${url}: no answer`)
  })
  const body: unknown = await answer.json().catch(() => undefined)
  const members = isMembers(body) ? body : {}
  if (answer.status !== 201 && answer.status !== 200) {
    const code = textIn(members, 'error') ?? ''
    const why = /^[\w-]{1,64}$/.test(code) ? code : `status ${answer.status}`
    throw new DiscoveryError(`${url}: registration was refused (${why}); ${BY_HAND}`)
  }
  return await keep(readRegistered(members, method, url), { remote, issuer }, options)
}

type Registered = Pick<Grantor['client'], 'id' | 'auth'> & {
  readonly secret: string | undefined
  readonly secretEndsAtMs: number | undefined
}

/** RFC 7591 §3.2.1. @param asked The method that counts where the answer names none. */
function readRegistered(members: Members, asked: string, url: string): Registered {
  const id = textIn(members, 'client_id') ?? ''
  const secret = textIn(members, 'client_secret')
  const method = textIn(members, 'token_endpoint_auth_method') ?? asked
  const [, auth] = AUTH_METHODS.find(([name]) => name === method) ?? []
  const isFit = id !== '' && id.length <= MAX_CHARS && (secret ?? '').length <= MAX_CHARS
  if (!isFit || auth === undefined || (auth !== 'none' && secret === undefined)) {
    throw new DiscoveryError(`${url}: registered us as a client that cannot be used`)
  }
  const ends = members['client_secret_expires_at']
  const secretEndsAtMs = typeof ends === 'number' && ends > 0 ? ends * 1_000 : undefined
  return auth === 'none'
    ? { id, auth, secret: undefined, secretEndsAtMs: undefined }
    : { id, auth, secret, secretEndsAtMs }
}

async function keep(
  { id, auth, secret, secretEndsAtMs }: Registered,
  { remote, issuer }: { readonly remote: RemoteProvider; readonly issuer: string },
  options: EnrolmentsOptions,
): Promise<Enrolled> {
  const place = placeOf(remote.name, issuer, options)
  const sealed = secret === undefined ? undefined : await options.envelopes().seal(place, secret)
  const row: Row = { id, auth, sealed, secretEndsAtMs }
  const key = keyOf(remote.name, issuer, options)
  await options.store.put(key, JSON.stringify(row), { ttlMs: KEPT_MS })
  return registered({ id, auth }, secret)
}

/** Undefined where there is none that can be begun with. */
async function readRow(
  provider: string,
  issuer: string,
  options: EnrolmentsOptions,
): Promise<Enrolled | undefined> {
  const row = await readStored(keyOf(provider, issuer, options), options)
  if (row === undefined) return undefined
  const { id, auth, sealed, secretEndsAtMs = Number.POSITIVE_INFINITY } = row
  if (options.now() + MARGIN_MS >= secretEndsAtMs) return undefined
  if (sealed === undefined) return registered({ id, auth }, undefined)
  const opened = await options.envelopes().open(placeOf(provider, issuer, options), sealed)
  return opened && registered({ id, auth }, opened.text)
}

function registered(
  client: Pick<OAuthClient, 'id' | 'auth'>,
  secret: string | undefined,
): Enrolled {
  const own = secret === undefined ? undefined : new Secret(secret)
  return { client: { ...client, secret: own }, source: 'registered' }
}

async function readStored(key: string, options: EnrolmentsOptions): Promise<Row | undefined> {
  const stored = await options.store.get(key)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this file alone
  return stored === undefined ? undefined : (JSON.parse(stored.value) as Row)
}

/** A client is good for one issuer and one redirect URI. */
function keyOf(provider: string, issuer: string, { redirectUri }: EnrolmentsOptions): string {
  return `registration/${provider}/${digest([issuer, redirectUri(provider)])}`
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

function placeOf(provider: string, issuer: string, { redirectUri }: EnrolmentsOptions) {
  return { tenant: '', issuer, subject: redirectUri(provider), provider, connection: 'client' }
}
