/** A grant that `oidc-provider` does not have: what is asked is decided elsewhere, and issued here. */
import type {
  AccessToken,
  Provider,
  ResourceServer,
  TokenEndpointGrantContext,
} from 'oidc-provider'

import type { ProtectedServer } from './setup.ts'

/** A token to issue. */
export type Issuable = {
  readonly subject: string
  /** Undefined where nothing that could be revoked stands behind it. */
  readonly grant: string | undefined
  readonly server: ProtectedServer
  readonly scopes: readonly string[]
  /** An instant, not a life: a token must not outlive another one by a second. */
  readonly expiresAtSeconds: number
  /** What the token says beyond RFC 9068; `gty` among it. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Thumbprint of the key it is bound to (RFC 9449); undefined for a bearer token. */
  readonly thumbprint?: string | undefined
}

export type ExtraGrant = {
  /** Makes a provider take the grant, and say so in its metadata. */
  register(provider: Provider): void
  /** What a token that is being issued says; undefined for one of another grant. */
  readonly claimsOf: (token: object) => Record<string, unknown> | undefined
}

export type ExtraGrantOptions = {
  /** `grant_type` */
  readonly name: string
  readonly parameters: readonly string[]
  /** Those of the parameters that may be sent more than once. */
  readonly repeatable: readonly string[]
  /** Rejects with an error of `oidc-provider` where nothing is issued. */
  readonly decide: (context: TokenEndpointGrantContext) => Promise<Issuable>
  /** Members of the answer besides the usual ones. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** How tokens for a server are made. */
  readonly describe: (
    server: ProtectedServer,
    scopes: readonly string[],
    lifeSeconds: number,
  ) => ResourceServer
  /** Epoch milliseconds. */
  readonly now: () => number
}

export function createExtraGrant(options: ExtraGrantOptions): ExtraGrant {
  const { name, parameters, repeatable, decide, describe, now } = options
  const issuing = new WeakMap<object, Record<string, unknown>>()
  return {
    claimsOf: (token) => issuing.get(token),
    register: (provider) => {
      const answer = async (context: TokenEndpointGrantContext): Promise<void> => {
        const decided = await decide(context)
        const { server, scopes, expiresAtSeconds, claims, thumbprint } = decided
        const lifeSeconds = expiresAtSeconds - Math.floor(now() / 1_000)
        const described = describe(server, scopes, lifeSeconds)
        const token: AccessToken = new provider.AccessToken({
          client: context.oidc.client,
          accountId: decided.subject,
          grantId: decided.grant ?? '',
          gty: String(claims['gty']),
          scope: scopes.join(' '),
          exp: expiresAtSeconds,
          resourceServer: new provider.ResourceServer(server.resource, described),
        })
        if (thumbprint !== undefined) token.setThumbprint('jkt', thumbprint)
        issuing.set(token, { ...claims })
        context.oidc.entity('AccessToken', token)
        context.body = {
          access_token: await token.save(),
          ...options.answer,
          token_type: token.tokenType,
          expires_in: lifeSeconds,
          scope: token.scope,
        }
      }
      provider.registerGrantType(name, answer, parameters, repeatable)
    },
  }
}
