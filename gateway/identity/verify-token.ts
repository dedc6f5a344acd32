/** The cold path of a bearer token: whose is it, is it valid, and whom does it stand for. */
import type { TokenRefusal } from '../model/event.ts'
import { LEEWAY_SECONDS } from '../oauth/check-claims.ts'
import { parseJwt } from '../oauth/parse-jwt.ts'
import { verifyJwt } from '../oauth/verify-jwt.ts'
import type { Issuer } from './issuers.ts'
import { readCaller } from './read-caller.ts'
import type { TokenEntry } from './token-cache.ts'

export type VerifyTokenOptions = {
  /** By issuer identifier. */
  readonly issuers: ReadonlyMap<unknown, Issuer>
  /** Epoch milliseconds. */
  readonly now: () => number
}

export type VerifiedToken =
  | { readonly ok: true; readonly entry: TokenEntry }
  | { readonly ok: false; readonly reason: TokenRefusal }

/**
 * Returns the cache entry of a token that is valid now, or why it is not. Says nothing about the
 * server asked for and about revocation: both are judged on every use.
 */
export async function verifyToken(
  token: string,
  { issuers, now }: VerifyTokenOptions,
): Promise<VerifiedToken> {
  const parsed = parseJwt(token)
  if (!parsed.ok) return parsed
  const issuer = issuers.get(parsed.jwt.claims['iss'])
  if (issuer === undefined) return { ok: false, reason: 'unknown_issuer' }
  const { rules, keys, trust, trusted } = issuer
  const keyGeneration = keys.generation
  const nowSeconds = now() / 1000
  const keysFor = (keyId: string | undefined) => keys.keysFor(keyId)
  const verified = await verifyJwt({ jwt: parsed.jwt, rules, keysFor, nowSeconds })
  if (!verified.ok) return verified
  const read = readCaller(verified.claims, trusted)
  if (!read.ok) return read
  const { caller } = read
  const { audiences } = verified.claims
  const entry: TokenEntry = {
    token,
    caller,
    audiences,
    everywhere: audiences.some((audience) => trusted.audiences.includes(audience)),
    trust,
    keyGeneration,
    thumbprint: verified.claims.thumbprint,
    endsAtMs: (caller.expiresAtSeconds + LEEWAY_SECONDS) * 1000,
    seenAgain: {
      type: 'token_verified',
      issuer: caller.issuer,
      kind: caller.kind,
      cached: true,
    },
    checkedEpoch: -1,
  }
  return { ok: true, entry }
}
