import type { Secret } from './secret.ts'

/** How a token is written into a header. Into a URL it never goes: URLs end up in logs. */
export type HeaderTemplate = {
  readonly header: string
  /** `Bearer <token>`, `Basic` of a user name and the token, or the token alone. */
  readonly as: 'bearer' | 'basic' | 'plain'
  /** The user name of `basic`; empty otherwise. */
  readonly user: string
}

/** Us as a client of an authorization server. */
export type OAuthClient = {
  readonly id: string
  /** Undefined for a public client, and for one that signs. */
  readonly secret: Secret | undefined
  /** Where the secret goes (RFC 6749 §2.3.1), or that an assertion is signed (RFC 7523). */
  readonly auth: 'basic' | 'post' | 'none' | 'private_key_jwt'
  /** There with `private_key_jwt`, and only then. */
  readonly assertion?: ClientAssertion
}

/** How a client that signs says who it is. */
export type ClientAssertion = {
  /** One authorization server: an assertion that another could use is worth stealing. */
  readonly audience: string
  /** Undefined: the key that the gateway signs tokens with, which it publishes. */
  readonly key: AssertionKey | undefined
}

/** A private key from a file. */
export type AssertionKey = {
  /** PKCS #8, or the older forms. */
  readonly pem: Secret
  readonly algorithm: 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA'
  /** What the authorization server calls it; undefined where it goes by the certificate. */
  readonly kid: string | undefined
  /** SHA-256 of its certificate in base64url; undefined where it has none. */
  readonly certificate: string | undefined
}

/** A token or introspection endpoint, and who we are there. */
export type TokenEndpoint = { readonly url: string; readonly client: OAuthClient }

/** A secret of the operator's, the same for every caller. */
export type StaticCredential = {
  readonly kind: 'static'
  readonly header: string
  readonly value: Secret
}

/** A short-lived token of our own that names the caller, for a server that trusts us. */
export type IssueCredential = {
  readonly kind: 'issue'
  readonly place: HeaderTemplate
  readonly audience: string
  readonly scopes: readonly string[]
  readonly lifeSeconds: number
  /**
   * `plain` is the subject as its issuer wrote it; `qualified` puts the issuer before it, since two
   * issuers may use the same subject for different people.
   */
  readonly subject: 'qualified' | 'plain'
}

/** A token that an authorization server gives in exchange for the caller's. */
export type ExchangeCredential = {
  readonly kind: 'exchange'
  readonly place: HeaderTemplate
  /**
   * `token_exchange`: RFC 8693. `on_behalf_of`: the same wish in the words of Entra. `id_jag`: an identity
   * assertion from the caller's provider, then a token for it from the server's. `jwt_bearer`: a
   * statement of our own about the caller (RFC 7523).
   */
  readonly flow: 'token_exchange' | 'on_behalf_of' | 'id_jag' | 'jwt_bearer'
  readonly endpoint: TokenEndpoint
  /** Second step of `id_jag`: the authorization server of the resource. */
  readonly resourceEndpoint: TokenEndpoint | undefined
  readonly audience: string | undefined
  readonly resource: string | undefined
  readonly scopes: readonly string[]
  readonly subjectTokenType: 'access_token' | 'jwt' | 'id_token'
  /** `signed`: a token of ours says who acts for the caller (RFC 8693 §2.1, `actor_token`). */
  readonly actor: 'none' | 'signed'
}

/** A token of the caller's own account at a provider, which the caller has connected. */
export type VaultCredential = {
  readonly kind: 'vault'
  readonly place: HeaderTemplate
  /** Name of the provider. */
  readonly provider: string
  /** Scopes the connection must have. */
  readonly scopes: readonly string[]
  /** Which of the caller's accounts there. */
  readonly account: string
  /**
   * `calls`: a caller who has connected nothing yet may begin a session and read lists, which go up
   * without a credential. `everything`: the server wants one for those too.
   */
  readonly neededFor: 'calls' | 'everything'
}

/** What a server gets instead of the caller's token, and where it goes. */
export type Credential =
  | { readonly kind: 'none' }
  | StaticCredential
  | IssueCredential
  | ExchangeCredential
  | VaultCredential

/** One that is made for each caller. */
export type CallerCredential = Exclude<Credential, { readonly kind: 'none' | 'static' }>
