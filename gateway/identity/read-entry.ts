import type { TokenClaims } from '../oauth/check-claims.ts'
import { LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import type { Issuer } from './issuers.ts'
import { readCaller } from './read-caller.ts'
import type { VerifiedToken } from './verify-token.ts'

/** The cache entry of a token whose claims have been checked, or why they name no caller. */
export function readEntry({
  token,
  claims,
  issuer,
  keyGeneration,
}: {
  readonly token: string
  readonly claims: TokenClaims
  readonly issuer: Issuer
  /** That of the issuer's keys before the token was looked at: one withdrawn meanwhile must count. */
  readonly keyGeneration: number
}): VerifiedToken {
  const { trusted, trust } = issuer
  const read = readCaller(claims, trusted)
  if (!read.ok) return read
  const { caller } = read
  const { audiences, binding } = claims
  return {
    ok: true,
    entry: {
      token,
      caller,
      audiences,
      everywhere: audiences.some((audience) => trusted.audiences.includes(audience)),
      trust,
      keyGeneration,
      endsAtMs: (caller.expiresAtSeconds + LEEWAY_SECONDS) * 1000,
      binding,
      introspected: false,
      seenAgain: {
        type: 'token_verified',
        issuer: caller.issuer,
        kind: caller.kind,
        cached: true,
      },
      checkedEpoch: -1,
    },
  }
}
