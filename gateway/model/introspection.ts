import type { TokenEndpoint } from './credential.ts'

/** Whom to ask about tokens that say nothing themselves (RFC 7662). */
export type Introspection = {
  readonly endpoint: TokenEndpoint
  /** How long an active token is taken for active, in milliseconds; at most 30,000 (R-TOK-6). */
  readonly maxAgeMs: number
}

/** What is known of a token: its members where it is active. */
export type Introspected =
  | { readonly kind: 'active'; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: 'inactive' }
  /** It cannot be said. `detail` is for operators and holds nothing of the token. */
  | { readonly kind: 'unavailable'; readonly detail: string }

/** Asks one introspection endpoint. Never rejects. */
export type Introspect = (endpoint: TokenEndpoint, token: string) => Promise<Introspected>
