/**
 * Verifies one JWT access token against its issuer's rules and keys (RFC 9068 §4, RFC 8725).
 */
import type { TokenRefusal } from '../model/event.ts'
import type { CheckedClaims, TokenRules } from './check-claims.ts'
import { checkClaims } from './check-claims.ts'
import { isSignedBy, isVerifiable } from './check-signature.ts'
import type { KeySet } from './key-set.ts'
import { findKey } from './key-set.ts'
import type { UnverifiedJwt } from './parse-jwt.ts'

export type VerifyOptions = {
  readonly jwt: UnverifiedJwt
  readonly rules: TokenRules
  /**
   * Returns the issuer's keys, fetching them first where this key id is not among them; undefined
   * when there are none. Asked only for tokens that are right in everything but the signature, so a
   * made-up token that is wrong elsewhere never causes a fetch.
   */
  readonly keysFor: (keyId: string | undefined) => KeySet | undefined | Promise<KeySet | undefined>
  readonly nowSeconds: number
}

/**
 * Returns the claims of a token that is valid now, or why it is not. The algorithm must be on the
 * issuer's list and asymmetric; the key must be the one that fits key id, type and algorithm.
 * `keys_unavailable` when there are no keys to check with. Never throws for any token.
 */
export async function verifyJwt(options: VerifyOptions): Promise<CheckedClaims> {
  const { jwt, rules, keysFor, nowSeconds } = options
  if (!isAllowed(jwt, rules.algorithms)) return { ok: false, reason: 'bad_signature' }
  const checked = checkClaims(jwt, rules, nowSeconds)
  if (!checked.ok) return checked
  const reason = signatureFault(jwt, await keysFor(jwt.keyId))
  return reason === undefined ? checked : { ok: false, reason }
}

/** Whether the algorithm is listed, and one whose keys are not secret. */
export function isAllowed({ algorithm }: UnverifiedJwt, algorithms: readonly string[]): boolean {
  return algorithms.includes(algorithm) && isVerifiable(algorithm)
}

/** Why the signature does not count; undefined when it is by one of these keys. Ask `isAllowed` first. */
export function signatureFault(
  jwt: UnverifiedJwt,
  keys: KeySet | undefined,
): TokenRefusal | undefined {
  if (keys === undefined) return 'keys_unavailable'
  const key = findKey(keys, jwt)
  if (key === undefined) return 'unknown_key'
  return isSignedBy(jwt.token, key.key, jwt.algorithm) ? undefined : 'bad_signature'
}
