/**
 * What kind of party is asking. Decided by operators (issuer configuration, API key entry), never by
 * what a client says about itself.
 */
export type CallerKind = 'human' | 'agent' | 'service'

/** One earlier or current actor of a delegation chain (RFC 8693 §4.1). */
export type Actor = { readonly issuer: string; readonly subject: string }

/**
 * Who is asking, as established by one verified credential. Its identity key is (issuer, subject);
 * limits and handles are per (issuer, subject, client). One object per verified token lives in the
 * token cache, so it doubles as the key of everything derivable from it.
 */
export type Caller = {
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  /** The OAuth client, or the configured client name of an API key; empty when unknown. */
  readonly client: string
  readonly kind: CallerKind
  readonly via: 'jwt' | 'api_key' | 'anonymous'
  readonly groups: ReadonlySet<string>
  readonly scopes: ReadonlySet<string>
  /** The delegation chain, current actor first; empty when the subject acts for itself. */
  readonly actors: readonly Actor[]
  /**
   * Whether a person stands behind the token and could consent to more scopes, so that a scope
   * challenge can succeed. False for API keys and client credentials.
   */
  readonly interactive: boolean
  /** `jti`, or the prefix of an API key; undefined when the token has none. */
  readonly tokenId: string | undefined
  /** `gid`: the grant the token came from, when the issuer says so. */
  readonly grant: string | undefined
  /** `sid`: the session the token came from, when the issuer says so. */
  readonly session: string | undefined
  /** The claims of its token but for its times, verified; absent for a caller without one. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly issuedAtSeconds: number
  /** When the credential ends; `Infinity` for an API key without expiry. */
  readonly expiresAtSeconds: number
}
