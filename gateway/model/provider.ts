import type { HeaderTemplate, OAuthClient } from './credential.ts'

/**
 * A service whose tokens people give us, as data: where it sends people to consent, where its tokens come
 * from, and in what it departs from RFC 6749.
 */
export type Provider = {
  /** As servers and connect pages name it: lower-case letters, digits and hyphens. */
  readonly name: string
  /** For people to read. */
  readonly title: string
  readonly client: OAuthClient
  readonly authorizeUrl: string
  readonly tokenUrl: string
  /** Where tokens are refreshed; mostly `tokenUrl`. */
  readonly refreshUrl: string
  /** RFC 7009; undefined where there is no such endpoint. */
  readonly revokeUrl: string | undefined
  /** Issuer identifier; with it the `iss` of its answers is compared (RFC 9207). */
  readonly issuer: string | undefined
  /** Whether its answers always carry `iss`, so that one without is refused. */
  readonly sendsIssuer: boolean
  readonly bodyFormat: 'form' | 'json'
  readonly pkce: boolean
  readonly scopes: readonly string[]
  readonly scopeSeparator: string
  /** The parameter that scopes are asked for with. */
  readonly scopeParameter: string
  /**
   * Whether it answers `prompt=none` with a code, and a refresh token, where there is nothing to ask (OpenID
   * Connect Core §3.1.2.1).
   */
  readonly silent: boolean
  /** Whether it takes the person's address as `login_hint`. */
  readonly loginHint: boolean
  /** Sent to the consent page besides those of RFC 6749. */
  readonly authorizeParameters: Readonly<Record<string, string>>
  /** Sent to the token endpoint besides them. */
  readonly tokenParameters: Readonly<Record<string, string>>
  /** The member of the answer that holds the tokens; empty for the answer itself. */
  readonly tokenPath: readonly string[]
  /** A member of the answer that is `true` when all is well, for services that fail with status 200. */
  readonly okField: string | undefined
  /**
   * What becomes of a refresh token when it is used: nothing, it is replaced and must not come again, or
   * the same after some time.
   */
  readonly rotation: 'none' | 'single_use' | 'leeway'
  /** How its tokens are sent, unless the credential of a server says otherwise. */
  readonly place: HeaderTemplate
  /** A member of the answer that names the account at the service. */
  readonly accountField: readonly string[]
}
