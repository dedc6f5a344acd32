/**
 * The JWT bearer grant (RFC 7523 §2.1) at the token endpoint. An assertion is verified before anything else;
 * a program that a platform spoke for is then the client, which needs no other authentication and is no
 * client anywhere else. Where an identity provider spoke for a person, the client authenticates as ever.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'

import type { AdapterPayload, TokenEndpointGrantContext } from 'oidc-provider'
import { errors } from 'oidc-provider'

import type { Entitlement } from '../model/authorization-rules.ts'
import type { Clients } from '../registry/clients.ts'
import type { Proofs } from '../identity/proofs.ts'
import { LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import type { Accounts } from './accounts.ts'
import type { Assertion } from './assertion.ts'
import { readAssertion } from './assertion.ts'
import type { AssertionKeys } from './assertion-keys.ts'
import { mayBring } from './client-document.ts'
import { standingOf } from './entitlement.ts'
import type { ExtraGrant, ExtraGrantOptions, Issuable } from './extra-grant.ts'
import { createExtraGrant } from './extra-grant.ts'
import { headerOf } from './http.ts'
import type { AssertionAnswer } from './judge-assertion.ts'
import { judgeAssertion } from './judge-assertion.ts'
import { JWT_BEARER } from './jwt-bearer-names.ts'
import { textsOf } from './parameters.ts'
import { personOf } from './person-standing.ts'
import { ROUTES } from './routes.ts'
import type { Setup } from './setup.ts'
import type { TokenAbout } from './token-claims.ts'

export type JwtBearerOptions = Pick<ExtraGrantOptions, 'describe' | 'now'> & {
  readonly setup: () => Setup
  readonly accounts: Accounts
  readonly book: Pick<Clients, 'get'>
  readonly keys: Pick<AssertionKeys, 'of'>
  readonly proofs: Proofs
  /** Whether what the token would say is on the revocation list. */
  readonly isRevoked: (about: TokenAbout) => boolean
  /** Notes this text on all replicas for that many milliseconds; false when it is noted already. */
  readonly isNew: (text: string, ttlMs: number) => Promise<boolean>
}

/** What comes of looking at a request before the client is known. */
export type Arriving =
  | {
      readonly ok: true
      /** The client that a platform spoke for; undefined where the client authenticates itself. */
      readonly client: string | undefined
      /** Runs what follows with this assertion. */
      readonly run: (serve: () => void) => void
    }
  | {
      readonly ok: false
      readonly error: 'invalid_request' | 'invalid_grant' | 'temporarily_unavailable'
      readonly description: string
      /** For the records of the operator. */
      readonly detail: string
    }

export type JwtBearer = ExtraGrant & {
  arrive(form: URLSearchParams, request: IncomingMessage): Promise<Arriving>
  /** The client that a platform speaks for in this request; undefined for any other id, and elsewhere. */
  readonly find: (id: string) => AdapterPayload | undefined
}

/** By what a client authenticates itself besides `Authorization`. */
const CLIENT_AUTHENTICATION = ['client_secret', 'client_assertion', 'client_assertion_type']

export function createJwtBearer(options: JwtBearerOptions): JwtBearer {
  const { setup, keys, now } = options
  const arrived = new AsyncLocalStorage<Assertion>()
  const grant = createExtraGrant({
    ...options,
    name: JWT_BEARER,
    parameters: ['assertion', 'resource', 'scope'],
    repeatable: ['resource'],
    decide: async (context) => {
      const assertion = arrived.getStore()
      if (assertion === undefined) throw new errors.InvalidRequest('an assertion is needed')
      return await decide(context, assertion, options)
    },
  })
  return {
    ...grant,
    find: (id) => {
      const assertion = arrived.getStore()
      return assertion?.kind === 'workload' && assertion.workload.client === id
        ? metadataOf(id)
        : undefined
    },
    arrive: async (form, request) => {
      const [text, ...more] = form.getAll('assertion')
      if (text === undefined || more.length > 0) {
        return refused('invalid_request', 'send one assertion', 'not one assertion')
      }
      const read = await readAssertion(text, { setup: setup(), keys, nowSeconds: now() / 1_000 })
      if (!read.ok) {
        return read.reason === 'keys_unavailable'
          ? refused('temporarily_unavailable', 'try again later', read.reason)
          : refused('invalid_grant', 'the assertion is not accepted', read.reason)
      }
      const { assertion } = read
      const run = (serve: () => void): void => arrived.run(assertion, serve)
      if (assertion.kind === 'person') return { ok: true, client: undefined, run }
      const { client } = assertion.workload
      const isOther = form.getAll('client_id').some((id) => id !== client)
      if (isOther || authenticates(form, request)) {
        return refused('invalid_request', 'the assertion says who the client is', 'two clients')
      }
      return { ok: true, client, run }
    },
  }
}

function refused(
  error: Extract<Arriving, { readonly ok: false }>['error'],
  description: string,
  detail: string,
): Arriving {
  return { ok: false, error, description, detail }
}

function authenticates(form: URLSearchParams, request: IncomingMessage): boolean {
  const isInHeader = headerOf(request, 'authorization') !== undefined
  return isInHeader || CLIENT_AUTHENTICATION.some((name) => form.has(name))
}

/** A program as `oidc-provider` knows clients: it has shown its assertion, and can do nothing else. */
function metadataOf(id: string): AdapterPayload {
  return {
    client_id: id,
    client_name: id,
    redirect_uris: [],
    grant_types: [JWT_BEARER],
    response_types: [],
    token_endpoint_auth_method: 'none',
  }
}

async function decide(
  context: TokenEndpointGrantContext,
  assertion: Assertion,
  options: JwtBearerOptions,
): Promise<Issuable> {
  const { setup, accounts, isRevoked, now } = options
  const { client, params } = context.oidc
  const person = assertion.kind === 'person' ? personOf(assertion) : undefined
  const entitlement = await entitlementOf(client, assertion, options)
  const judged = judgeAssertion(
    {
      client: client.clientId,
      entitlement,
      assertion,
      account: person === undefined ? undefined : await accounts.find(person),
      resources: textsOf(params.resource),
      scope: params.scope,
    },
    setup(),
  )
  if (!judged.ok) throw errorOf(judged)
  const { subject, server, scopes, claims } = judged
  const about = { subject, client: client.clientId, grant: undefined, session: undefined }
  if (isRevoked({ ...about, sinceSeconds: assertion.issuedAtSeconds })) {
    throw new errors.InvalidGrant('revoked')
  }
  const thumbprint = await provenKey(context, assertion, options)
  // Last, so that whatever else is wrong can be put right with the same assertion.
  if (!(await isFirst(assertion, options))) throw new errors.InvalidGrant('it was used already')
  const { accessTokenSeconds } = setup().lives[entitlement.kind]
  const expiresAtSeconds = Math.floor(now() / 1_000) + accessTokenSeconds
  return {
    subject,
    grant: undefined,
    server,
    scopes,
    expiresAtSeconds,
    claims: { ...claims, txn: crypto.randomUUID() },
    thumbprint,
  }
}

/** What the client may have; asked anew each time, for an operator can have changed it. */
async function entitlementOf(
  client: TokenEndpointGrantContext['oidc']['client'],
  assertion: Assertion,
  { setup, book }: JwtBearerOptions,
): Promise<Omit<Entitlement, 'grants'>> {
  if (assertion.kind === 'workload') return assertion.workload
  const known = await standingOf(client.clientId, setup(), book)
  const may =
    known?.entitlement.grants.includes('jwt_bearer') === true &&
    (known.standing !== 'described' || mayBring(client.clientId, assertion.provider))
  // Whoever has a copy would have the token (draft-ietf-oauth-identity-assertion-authz-grant), but for its key.
  const isProven = client.clientAuthMethod !== 'none' || assertion.thumbprint !== undefined
  if (!may || !isProven) throw new errors.UnauthorizedClient('it may not use identity assertions')
  return known.entitlement
}

/** The key the token is bound to: the one of the proof that comes with the request (RFC 9449 §5). */
async function provenKey(
  context: TokenEndpointGrantContext,
  { thumbprint }: Assertion,
  { setup, proofs }: JwtBearerOptions,
): Promise<string | undefined> {
  const proof = headerOf(context.req, 'dpop')
  if (proof === undefined && thumbprint === undefined) return undefined
  const url = setup().issuer + ROUTES.token
  const checked = await proofs.check(proof, {
    token: undefined,
    thumbprint,
    httpMethod: 'POST',
    url,
  })
  if (checked.ok) return checked.thumbprint
  if (checked.fault === 'replay_unknown') throw new errors.TemporarilyUnavailable()
  if (thumbprint !== undefined) throw new errors.InvalidGrant('its key was not proven')
  throw new errors.InvalidDpopProof('the proof is not accepted')
}

/** Whether this assertion has brought no token yet, on any replica. Rejects when that cannot be said. */
async function isFirst(assertion: Assertion, { isNew, now }: JwtBearerOptions): Promise<boolean> {
  if (assertion.kind === 'workload' && !assertion.platform.singleUse) return true
  const { id, expiresAtSeconds } = assertion
  // As long as it would be accepted, and a second for what was rounded.
  const ttlMs = Math.ceil((expiresAtSeconds + LEEWAY_SECONDS + 1) * 1_000 - now())
  return await isNew(id, ttlMs)
}

function errorOf({ error, detail }: Extract<AssertionAnswer, { readonly ok: false }>): Error {
  switch (error) {
    case 'invalid_grant':
      return new errors.InvalidGrant(detail)
    case 'invalid_target':
      return new errors.InvalidTarget(detail)
    case 'invalid_scope':
      return new errors.InvalidScope(detail, '')
  }
}
