/**
 * What operators say about who is trusted: the issuers of tokens and the API keys. The shapes are
 * those of the loaded settings, written down here because rooms never read settings.
 */
import type { CallerKind } from '../model/caller.ts'
import type { Introspection } from '../model/introspection.ts'
import type { JwksSource } from '../model/jwks-source.ts'
import type { ScopeIncludes } from '../model/scope-includes.ts'

/** One issuer whose tokens are accepted, and how its claims are read. */
export type TrustedIssuer = {
  /** Compared with `iss` byte for byte. */
  readonly issuer: string
  readonly tenant: string
  /** `none`: nothing is signed by it, or nobody can check; then `introspection` is there. */
  readonly jwks: KeySource | { readonly kind: 'none' }
  /** Who says what its tokens are that say nothing themselves (RFC 7662). */
  readonly introspection: Introspection | undefined
  /** Accepted JWS algorithms; symmetric ones and `none` are refused whatever stands here. */
  readonly algorithms: readonly string[]
  /** Accepted `typ` values, lower case without `application/`; `*` accepts any or none. */
  readonly types: readonly string[]
  /** Audiences accepted besides the server's own. */
  readonly audiences: readonly string[]
  /** Whether `aud` may name more than one audience. */
  readonly allowManyAudiences: boolean
  readonly claims: ClaimPaths
  /** Kind of callers that neither `clients` nor the kind claim decides. */
  readonly kind: CallerKind
  readonly clients: ReadonlyMap<string, CallerKind>
  /** Whether tokens come from interactive grants, so that asking for more scopes can succeed. */
  readonly interactive: boolean
  /** Scopes that count for others. */
  readonly scopeIncludes: ScopeIncludes
}

/** Where an issuer's keys come from. */
export type KeySource =
  | JwksSource
  /** Our own, which are in this process; asked for anew whenever keys of others would be fetched. */
  | { readonly kind: 'own'; readonly read: () => unknown }

/** Dotted paths into the claims. */
export type ClaimPaths = {
  readonly subject: string
  /** The first that is present counts. An empty list says that tokens of this issuer name no client. */
  readonly client: readonly string[]
  readonly groups: string
  readonly scopes: string
  /** Claim holding the kind, trusted because the operator named it. */
  readonly kind: string | undefined
  readonly grant: string
  readonly session: string
}

/** One API key as configured: everything but the secret. */
export type ApiKeyEntry = {
  /** The lookup part of the key text. */
  readonly prefix: string
  /** SHA-256 of the whole key text, lower-case hex. */
  readonly sha256: string
  readonly tenant: string
  readonly subject: string
  readonly client: string
  readonly owner: string
  readonly kind: CallerKind
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  /** Servers it works on; undefined means all. */
  readonly servers: readonly string[] | undefined
  readonly expiresAtSeconds: number | undefined
}
