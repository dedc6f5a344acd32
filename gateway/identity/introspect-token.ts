/** The cold path of a token whose issuer must be asked what it is (RFC 7662). */
import type { Introspect, Introspection } from '../model/introspection.ts'
import { checkIntrospected } from '../oauth/check-claims.ts'
import type { Issuer } from './issuers.ts'
import { readEntry } from './read-entry.ts'
import type { VerifiedToken } from './verify-token.ts'

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
  const keyGeneration = issuer.keys.generation
  const answer = await introspect(introspection.endpoint, token)
  if (answer.kind === 'inactive') return { ok: false, reason: 'inactive' }
  if (answer.kind === 'unavailable') return { ok: false, reason: 'introspection_unavailable' }
  const checked = checkIntrospected(answer.members, issuer.rules, now() / 1_000)
  if (!checked.ok) return checked
  const read = readEntry({ token, claims: checked.claims, issuer, keyGeneration })
  if (!read.ok) return read
  const { entry } = read
  // Counted from the question: the answer may have been on its way for long.
  const endsAtMs = Math.min(entry.endsAtMs, askedMs + introspection.maxAgeMs)
  return { ok: true, entry: { ...entry, endsAtMs, introspected: true } }
}
