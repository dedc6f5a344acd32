/**
 * `oidc-provider`, configured: OAuth 2.1 for agents and nothing of OpenID Connect's older flows. Whatever
 * may change with a reload is asked of `setup` when it is needed; only new keys need a new provider.
 */
import type { Configuration, KoaContextWithOIDC, ResourceServer } from 'oidc-provider'
import { errors, interactionPolicy, Provider } from 'oidc-provider'

import type { Lives } from '../model/authorization-rules.ts'
import type { Clients } from '../registry/clients.ts'
import type { SigningKey } from '../oauth/signing-keys.ts'
import { SIGNING_ALGORITHM } from '../oauth/signing-keys.ts'
import type { Accounts } from './accounts.ts'
import { GRANT_LIFE_MS } from './accounts.ts'
import type { AdapterOptions } from './adapter.ts'
import { createAdapter } from './adapter.ts'
import type { ClientDocuments } from './client-document.ts'
import { isServedDocument } from './client-document.ts'
import { findResource } from './canonical-resource.ts'
import {
  askUserCode,
  confirmUserCode,
  showDeviceDone,
  showDeviceStopped,
  USER_CODE,
} from './device-pages.ts'
import { OWN_SCOPES, scopesOn, standingOf } from './entitlement.ts'
import { showOauthError } from './error-page.ts'
import type { ExtraGrant } from './extra-grant.ts'
import { tellFaults } from './faults.ts'
import { ID_JAG_PROFILE } from './jwt-bearer-names.ts'
import { letGoWhenOver } from './let-go.ts'
import type { RefreshLives } from './refresh-lives.ts'
import type { RefreshNames } from './refresh-names.ts'
import { PAGES_PATH, ROUTES } from './routes.ts'
import type { ProtectedServer, Setup } from './setup.ts'
import { TokenSigner } from './token-signer.ts'

/** Lives of what is issued besides access tokens, in seconds. */
const CODE_SECONDS = 60
const DEVICE_CODE_SECONDS = 10 * 60
/** How long a person may take to sign in and to decide. */
const INTERACTION_SECONDS = 60 * 60
const BROWSER_SECONDS = 10 * 3_600
const ID_TOKEN_SECONDS = 10 * 60

/** The error for a person who has not signed in in a way the client wants (RFC 9470 §5), and why they are asked to. */
export const WRONG_CLASS = 'unmet_authentication_requirements'

export type ProviderOptions = {
  readonly setup: () => Setup
  readonly adapter: AdapterOptions
  readonly book: Pick<Clients, 'get'>
  readonly accounts: Accounts
  readonly documents: ClientDocuments
  readonly claims: NonNullable<Configuration['extraTokenClaims']>
  /** Grants that it does not have by itself. */
  readonly extraGrants: readonly ExtraGrant[]
  /** The key that signs now. */
  readonly signingKey: () => SigningKey
  /** All that are published. */
  readonly keys: readonly SigningKey[]
  /** Sign cookies; the first signs, all count. */
  readonly cookieKeys: readonly string[]
  readonly refreshNames: Pick<RefreshNames, 'first' | 'after'>
  /** Whether the person this browser belongs to has to sign in before this authorization goes on. */
  readonly needsSignIn: (context: KoaContextWithOIDC) => Promise<boolean>
  readonly refreshLives: RefreshLives
  /** A grant the person gave before that covers what is asked now. */
  readonly rememberedGrant: NonNullable<Configuration['loadExistingGrant']>
}

/** Builds the provider; it serves once somebody calls its `callback()`. */
export function createProvider(options: ProviderOptions): Provider {
  const { setup, adapter, accounts, documents, cookieKeys, refreshLives } = options
  const { issuer } = setup()
  const secure = issuer.startsWith('https:')
  const prefix = secure ? '__Secure-' : ''
  const cookie = { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: true } as const
  const { path: _path, ...short } = cookie
  const provider = new Provider(issuer, {
    adapter: (model: string) => createAdapter(model, adapter),
    jwks: { keys: options.keys.map((key) => new TokenSigner(key)) },
    routes: ROUTES,
    cookies: {
      keys: [...cookieKeys],
      names: {
        session: `${secure ? '__Host-' : ''}gatehouse-oauth`,
        interaction: `${prefix}gatehouse-ui`,
        resume: `${prefix}gatehouse-resume`,
      },
      long: cookie,
      short,
    },
    scopes: [...OWN_SCOPES],
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: SIGNING_ALGORITHM,
    },
    extraClientMetadata: { properties: ['software_statement'] },
    enabledJWA: {
      idTokenSigningAlgValues: [SIGNING_ALGORITHM],
      clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'],
    },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    features: featuresOf(options),
    extraTokenClaims: (context, token) => {
      const decided = options.extraGrants.map((grant) => grant.claimsOf(token))
      return decided.find((claims) => claims !== undefined) ?? options.claims(context, token)
    },
    ...(takesIdentityAssertions(setup()) && {
      discovery: { authorization_grant_profiles_supported: [ID_JAG_PROFILE] },
    }),
    issueRefreshToken: async (context, client) => {
      if (!client.grantTypeAllowed('refresh_token')) return false
      await refreshLives.prepare(context)
      return true
    },
    rotateRefreshToken: async (context) => {
      await refreshLives.prepare(context)
      return true
    },
    // How long tokens live is decided by their grant, and by whoever signs out or revokes.
    expiresWithSession: () => false,
    loadExistingGrant: options.rememberedGrant,
    findAccount: async (_context, id) => {
      const account = await accounts.find(id)
      return account && { accountId: account.id, claims: async () => ({ sub: account.id }) }
    },
    interactions: {
      url: (_context, interaction) => PAGES_PATH + interaction.uid,
      policy: policyOf(options),
    },
    clientBasedCORS: (_context, origin) => setup().allowedOrigins.includes(origin),
    // Nothing else is ever fetched: keys of clients come along with them.
    fetch: (url) => documents.fetch(url instanceof Request ? url.url : String(url)),
    renderError: (context, out) => showOauthError(context, out),
    ttl: {
      AccessToken: (_context, token) => lifeOf(token.resourceServer),
      ClientCredentials: (_context, token) => lifeOf(token.resourceServer),
      AuthorizationCode: CODE_SECONDS,
      DeviceCode: DEVICE_CODE_SECONDS,
      RefreshToken: (context, { iiat }) => refreshLives.secondsOf(context, iiat),
      IdToken: ID_TOKEN_SECONDS,
      Interaction: INTERACTION_SECONDS,
      // Whoever has not signed in may just have been passing by.
      Session: (_context, { accountId }) =>
        accountId === undefined ? INTERACTION_SECONDS : BROWSER_SECONDS,
      Grant: GRANT_LIFE_MS / 1_000,
    },
  })
  // Whatever comes is rewritten to our public address before, so the headers it reads are ours.
  provider.proxy = true
  provider.use(async (context, next) => {
    try {
      await next()
    } finally {
      letGoWhenOver(context)
    }
    dropReadyLink(context)
  })
  tellFaults(provider)
  for (const grant of options.extraGrants) grant.register(provider)
  nameRefreshTokens(provider, options.refreshNames)
  return provider
}

/** Has refresh tokens called by their grant, and by the one before. */
function nameRefreshTokens(provider: Provider, names: ProviderOptions['refreshNames']): void {
  const { prototype } = provider.RefreshToken
  if (typeof Reflect.get(prototype, 'generateTokenId') !== 'function') {
    throw new Error('oidc-provider names its tokens otherwise now')
  }
  const value = function name(this: { readonly grantId?: string }): string {
    if (this.grantId === undefined) throw new Error('a refresh token without a grant')
    const used = Provider.ctx?.oidc.entities.RotatedRefreshToken
    return used === undefined ? names.first(this.grantId) : names.after(used.jti, this.grantId)
  }
  Object.defineProperty(prototype, 'generateTokenId', { value })
}

/**
 * Takes the link with the code in it (RFC 8628 §3.3.1) out of what a device gets: our page wants the code typed, and
 * devices that have the link do not show the code.
 */
function dropReadyLink({ path, body }: Pick<KoaContextWithOIDC, 'path' | 'body'>): void {
  if (path !== ROUTES.device_authorization) return
  Reflect.deleteProperty(Object(body), 'verification_uri_complete')
}

function featuresOf({
  setup,
  book,
  documents,
  signingKey,
}: ProviderOptions): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    // Our keys sign by themselves: see `TokenSigner`.
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    // The gateway wants the proof of a bound token too (RFC 9449 §7).
    dPoP: { enabled: true },
    clientCredentials: { enabled: true },
    clientIdMetadataDocument: {
      enabled: setup().documents.mode !== 'off',
      ack: 'draft-02',
      allowFetch: ({ ip }, id) => documents.mayFetch(id, ip),
      allowClient: (_context, { clientId }) => isServedDocument(clientId, setup()),
    },
    registration: { enabled: true, idFactory: newClientId, issueRegistrationAccessToken: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    deviceFlow: {
      enabled: true,
      ...USER_CODE,
      userCodeInputSource: (context, form, _out, error) =>
        error?.name === 'AbortedError'
          ? showDeviceStopped(context)
          : askUserCode(context, form, error !== undefined),
      userCodeConfirmSource: (context, form, client, _device, code) =>
        confirmUserCode(context, form, { name: client.clientName ?? client.clientId, code }),
      successSource: showDeviceDone,
    },
    revocation: { enabled: true, allowedPolicy: isOwner },
    introspection: { enabled: true, allowedPolicy: isOwner },
    resourceIndicators: {
      enabled: true,
      // Where there is one server, it has been filled in before.
      defaultResource: (_context, _client, oneOf) => {
        if (oneOf === undefined) throw new errors.InvalidTarget('say which server: resource')
        return oneOf
      },
      getResourceServerInfo: async (_context, resource, client) => {
        const server = findResource(resource, setup().servers)
        const known = await standingOf(client.clientId, setup(), book)
        const scopes = server && known ? scopesOn(server, known.entitlement) : []
        if (server === undefined || known === undefined) throw new errors.InvalidTarget()
        if (scopes.length === 0) throw new errors.InvalidTarget()
        const { accessTokenSeconds } = setup().lives[known.entitlement.kind]
        return describeServer(server, scopes, { accessTokenSeconds, signingKey })
      },
    },
  }
}

/** Whether an identity provider may speak for people (ID-JAG): metadata says so. */
export function takesIdentityAssertions({ signIn }: Pick<Setup, 'signIn'>): boolean {
  return [...signIn.values()].some(({ assertions }) => assertions !== undefined)
}

/** How tokens for a server are made. */
export function describeServer(
  server: ProtectedServer,
  scopes: readonly string[],
  {
    accessTokenSeconds,
    signingKey,
  }: Pick<ProviderOptions, 'signingKey'> & Pick<Lives, 'accessTokenSeconds'>,
): ResourceServer {
  return {
    scope: scopes.join(' '),
    audience: server.resource,
    accessTokenTTL: accessTokenSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: SIGNING_ALGORITHM, kid: signingKey().kid } },
  }
}

/** Every token is for a server, and that has been asked how long it lives. */
function lifeOf(server: { readonly accessTokenTTL?: number | undefined } | undefined): number {
  if (server?.accessTokenTTL === undefined) throw new Error('a token for no server')
  return server.accessTokenTTL
}

/** Tokens are their client's business alone (RFC 7009 §2.1). */
function isOwner(
  _context: KoaContextWithOIDC,
  client: { readonly clientId: string },
  token: { readonly clientId?: string | undefined },
): boolean {
  return token.clientId === client.clientId
}

function newClientId(): string {
  return `c_${crypto.getRandomValues(Buffer.alloc(16)).toString('base64url')}`
}

/** The prompts of the provider; who signed in is decided by our session, not by its own. */
function policyOf({ needsSignIn }: ProviderOptions) {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  const checks = policy.get('login')?.checks
  checks?.add(
    new Check(WRONG_CLASS, 'signing in another way is required', WRONG_CLASS, ({ oidc }) => {
      const { acr_values: classes } = oidc.params ?? {}
      if (typeof classes !== 'string' || oidc.result?.login !== undefined) {
        return Check.NO_NEED_TO_PROMPT
      }
      const { acr = '' } = oidc.session ?? {}
      return classes.split(' ').includes(acr) ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    }),
  )
  checks?.add(
    new Check(
      'no_gatehouse_session',
      'nobody is signed in here',
      'login_required',
      async (context) =>
        (await needsSignIn(context)) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  )
  return policy
}
