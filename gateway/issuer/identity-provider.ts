/**
 * One identity provider that people sign in with (OpenID Connect): found by its discovery document, asked
 * with state, nonce and PKCE, and believed only with a signature. Whom its claims make of a person is
 * decided by the operator.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client'
import type { Configuration } from 'openid-client'

import type { IssuerKeys } from '../identity/issuer-keys.ts'
import { createIssuerKeys } from '../identity/issuer-keys.ts'
import { createKeyDocuments } from '../identity/key-documents.ts'
import type { Emit } from '../model/event.ts'
import type { StepUpTerms } from '../model/terms.ts'
import { isText, readClaim, readGroups } from '../oauth/claims.ts'
import type { SignInProvider } from '../model/authorization-rules.ts'
import type { ReadLogout } from './logout-token.ts'
import { readLogoutToken } from './logout-token.ts'

/** Fetches from addresses that operators configured; https, or loopback. */
export type ProviderFetch = (
  url: string,
  request: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: URLSearchParams | string
  },
) => Promise<Response>

/** How a person is to sign in (OpenID Connect Core §3.1.2.1). */
export type Wanted = StepUpTerms & {
  /** Whether the person is to sign in although they are signed in there. */
  readonly again: boolean
}

/** What is remembered between sending a person away and their return. */
export type Journey = {
  readonly state: string
  readonly nonce: string
  /** PKCE. */
  readonly verifier: string
  readonly wanted: Wanted
}

/** A person as the provider knows them. */
export type Person = {
  /** The provider's own, never an e-mail address. */
  readonly subject: string
  readonly name: string
  /** An e-mail address to prefill forms of others with; undefined where there is none. */
  readonly address: string | undefined
  readonly groups: readonly string[]
  readonly methods: readonly string[]
  readonly contextClass: string | undefined
  /** When they proved who they are, in epoch seconds; 0 where the provider does not say. */
  readonly authenticatedAtSeconds: number
  /** `sid`: the session there; undefined where the provider names none. */
  readonly session: string | undefined
}

/** Why a person is not let in although the provider knows them. */
export class NotAllowed extends Error {
  override readonly name = 'NotAllowed'
}

/** A discovery that failed is not repeated for this long, in milliseconds. */
const RETRY_AFTER_MS = 10_000

/** A discovery document is read again after this long, in milliseconds. */
const MAX_AGE_MS = 60 * 60_000

export type IdentityProvider = {
  /** Where to send the person. Rejects when the provider cannot be reached. */
  begin(journey: Journey): Promise<string>
  /**
   * Who came back.
   *
   * @param url The address they came back to, as ours: the parameters of the answer are in it.
   * @throws {NotAllowed} for a person the operator does not let in; an Error for everything else that is
   *   not as it was begun: state, `iss`, nonce, signature, audience, a sign-in older than was asked for.
   */
  finish(url: URL, journey: Journey): Promise<Person>
  /** What a logout token says, if it is one of this provider for us. Never rejects. */
  readLogout(token: string): Promise<ReadLogout>
}

export type IdentityProviderOptions = {
  readonly provider: SignInProvider
  readonly redirectUri: string
  readonly fetch: ProviderFetch
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly emit: Emit
}

export function createIdentityProvider(options: IdentityProviderOptions): IdentityProvider {
  const { provider, redirectUri, now } = options
  let held: { readonly found: Promise<Configuration>; readonly untilMs: number } | undefined
  const configuration = (): Promise<Configuration> => {
    if (held !== undefined && now() < held.untilMs) return held.found
    const found = discover(options)
    held = { found, untilMs: now() + MAX_AGE_MS }
    found.catch(() => (held = { found, untilMs: now() + RETRY_AFTER_MS }))
    return found
  }
  let signing: { readonly url: string; readonly keys: IssuerKeys } | undefined
  /** The keys of where the provider says they are; openid-client keeps its own to itself. */
  const keys = async (): Promise<IssuerKeys | undefined> => {
    const metadata = await configuration().then(
      (found) => found.serverMetadata(),
      () => undefined,
    )
    const url = metadata?.jwks_uri
    if (url === undefined) return undefined
    if (signing?.url !== url) signing = { url, keys: keysAt(url, options) }
    return signing.keys
  }
  return {
    readLogout: (token) =>
      readLogoutToken(token, {
        issuer: provider.issuer,
        clientId: provider.clientId,
        subjectPath: provider.claims.subject,
        keysFor: async (keyId) => (await keys())?.keysFor(keyId),
        nowSeconds: now() / 1_000,
      }),
    begin: async ({ state, nonce, verifier, wanted: { acr, maxAgeSeconds, again } }) => {
      // Whoever is to sign in now: only with an age does the ID token say that it was now.
      const maxAge = maxAgeSeconds ?? (again ? 0 : undefined)
      const url = buildAuthorizationUrl(await configuration(), {
        ...Object.fromEntries(provider.parameters),
        ...(acr.length > 0 && { acr_values: acr.join(' ') }),
        ...(maxAge !== undefined && { max_age: String(maxAge) }),
        ...(again && { prompt: 'login' }),
        redirect_uri: redirectUri,
        scope: provider.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      return url.href
    },
    finish: async (url, { state, nonce, verifier, wanted }) => {
      const tokens = await authorizationCodeGrant(await configuration(), url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
        // The ID token must then say when, and not have been too long ago.
        ...(wanted.maxAgeSeconds !== undefined && { maxAge: wanted.maxAgeSeconds }),
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new Error('no ID token')
      const nowSeconds = Math.floor(now() / 1_000)
      // A browser can have left out what we asked for, so without a word of the provider it is not known.
      const authenticatedAtSeconds = readTime(claims['auth_time'], nowSeconds) ?? 0
      return { ...readPerson(claims, provider), authenticatedAtSeconds }
    },
  }
}

function keysAt(url: string, { provider, fetch, now, emit }: IdentityProviderOptions): IssuerKeys {
  return createIssuerKeys({
    issuer: provider.issuer,
    source: { kind: 'url', url },
    fetchKeys: createKeyDocuments({
      fetchJson: async (from) => {
        const answer = await fetch(from, { method: 'GET', headers: { accept: 'application/json' } })
        if (!answer.ok) throw new Error(`status ${answer.status}`)
        return await answer.json()
      },
      now,
    }),
    // Keys of a provider are never in a file.
    readFile: () => Promise.reject(new Error('no file')),
    now,
    emit,
  })
}

async function discover({ provider, fetch }: IdentityProviderOptions): Promise<Configuration> {
  const { issuer, clientId, secret, clientAuth } = provider
  const url = new URL(issuer)
  const auth = clientAuth === 'post' ? ClientSecretPost : ClientSecretBasic
  return await discovery(url, clientId, undefined, auth(secret.reveal()), {
    // An ID token is believed for its signature, not only for the connection it came by.
    execute: [
      enableNonRepudiationChecks,
      ...(url.protocol === 'http:' ? [allowInsecureRequests] : []),
    ],
    [customFetch]: (to, { method, headers, body }) =>
      fetch(to, {
        method,
        headers,
        ...((typeof body === 'string' || body instanceof URLSearchParams) && { body }),
      }),
  })
}

/** OpenID Connect Core §5.1. Good for a hint and nothing else, and not even that where it is said to be unchecked. */
function addressOf({ email, email_verified: isVerified }: Readonly<Record<string, unknown>>) {
  return isText(email, 254) && isVerified !== false ? email : undefined
}

function readPerson(
  claims: Readonly<Record<string, unknown>>,
  { claims: paths, required }: SignInProvider,
): Omit<Person, 'authenticatedAtSeconds'> {
  for (const [claim, wanted] of required) {
    if (readClaim(claims, claim) !== wanted) throw new NotAllowed(`${claim} is not ${wanted}`)
  }
  const subject = readClaim(claims, paths.subject)
  if (!isText(subject)) throw new Error(`the ID token has no ${paths.subject}`)
  const name = readClaim(claims, paths.name)
  const groups = readGroups(claims, paths.groups)
  if (!groups.ok) throw new Error(`${paths.groups} is no list of texts`)
  const { amr, acr, sid } = claims
  return {
    subject,
    name: isText(name, 256) ? name : subject,
    address: addressOf(claims),
    groups: [...groups.value],
    methods: Array.isArray(amr) ? amr.filter((method) => isText(method, 64)) : [],
    contextClass: isText(acr, 256) ? acr : undefined,
    session: isText(sid) ? sid : undefined,
  }
}

/** How far the clock of a provider may be ahead of ours, in seconds. */
const LEEWAY_SECONDS = 30

/** A time that has been; undefined for everything else, such as one in milliseconds. */
function readTime(value: unknown, nowSeconds: number): number | undefined {
  if (typeof value !== 'number' || value < 0 || value > nowSeconds + LEEWAY_SECONDS)
    return undefined
  return Math.min(Math.floor(value), nowSeconds)
}
