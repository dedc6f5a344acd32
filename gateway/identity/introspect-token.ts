/** The cold path of a token whose issuer must be asked what it is (RFC 7662). */
import { checkIntrospected, LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import type { Issuer } from './issuers.ts'
import { readCaller } from './read-caller.ts'
import type { Introspection } from './trust.ts'
import type { VerifiedToken } from './verify-token.ts'

/** Asks an endpoint about a token: its members when it is active. Never rejects. */
export type Introspect = (
  endpoint: Introspection['endpoint'],
  token: string,
) => Promise<
  | { readonly kind: 'active'; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: 'inactive' }
  | { readonly kind: 'unavailable'; readonly detail: string }
>

export type IntrospectTokenOptions = {
  readonly issuer: Issuer
  readonly introspection: Introspection
  readonly introspect: Introspect
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Returns the cache entry of a token that is active now, or why it is not one. */
export async function introspectToken(
  token: string,
  { issuer, introspection, introspect, now }: IntrospectTokenOptions,
): Promise<VerifiedToken> {
  const askedMs = now()
  const answer = await introspect(introspection.endpoint, token)
  if (answer.kind === 'inactive') return { ok: false, reason: 'inactive' }
  if (answer.kind === 'unavailable') return { ok: false, reason: 'introspection_unavailable' }
  const checked = checkIntrospected(answer.members, issuer.rules, now() / 1_000)
  if (!checked.ok) return checked
  const read = readCaller(checked.claims, issuer.trusted)
  if (!read.ok) return read
  const { caller } = read
  const { audiences, thumbprint } = checked.claims
  const { trusted, trust, keys } = issuer
  const entry = {
    token,
    caller,
    audiences,
    everywhere: audiences.some((audience) => trusted.audiences.includes(audience)),
    trust,
    keyGeneration: keys.generation,
    // Counted from the question: the answer may have been on its way for long.
    endsAtMs: Math.min(
      askedMs + introspection.maxAgeMs,
      (caller.expiresAtSeconds + LEEWAY_SECONDS) * 1_000,
    ),
    thumbprint,
    introspected: true,
    seenAgain: {
      type: 'token_verified' as const,
      issuer: caller.issuer,
      kind: caller.kind,
      cached: true,
    },
    checkedEpoch: -1,
  }
  return { ok: true, entry }
}
