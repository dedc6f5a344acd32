/**
 * A JSON Web Key Set as a verifier wants it (RFC 7517): public signature keys only, each found by key
 * id, key type, use and algorithm together. The algorithm is never taken from the token alone.
 */
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'

import { isKeyFor, isVerifiable } from './check-signature.ts'
import { isText } from './claims.ts'
import { MAX_KID_CHARS } from './parse-jwt.ts'
import type { Members } from './strict-json.ts'
import { isMembers } from './strict-json.ts'

/** One public key that may verify signatures. */
export type VerificationKey = {
  readonly keyId: string | undefined
  /** Frozen public members. */
  readonly jwk: JsonWebKey & { readonly alg?: string }
  readonly key: KeyObject
  /** The same key always has the same text, so sets can be compared. */
  readonly text: string
}

export type KeySet = readonly VerificationKey[]

/** Keys read from one set: more than any issuer publishes, few enough to search one by one. */
const MAX_KEYS = 100

/** `jwt-svid`: keys that sign JWTs for the programs of a trust domain (SPIFFE Trust Domain and Bundle §4.2.2). */
const VERIFYING_USES: readonly unknown[] = ['sig', 'jwt-svid']

/** RSA moduli below 2048 bits are not accepted (RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048

/**
 * Returns the usable keys of a JWKS document. Keys that are private, symmetric, weak, of unknown type
 * or for another use are left out (RFC 7517 §5); undefined when none remains or it is no key set.
 */
export function readKeySet(document: unknown): KeySet | undefined {
  if (!isMembers(document) || !Array.isArray(document['keys'])) return undefined
  const listed: readonly unknown[] = document['keys'].slice(0, MAX_KEYS)
  const keys = listed.map(readKey).filter((key) => key !== undefined)
  return keys.length > 0 ? keys : undefined
}

/**
 * Returns the one key that fits; undefined when none or several do. A token without a key id is
 * served only where a single key fits it.
 */
export function findKey(
  keys: KeySet,
  wanted: { readonly keyId: string | undefined; readonly algorithm: string },
): VerificationKey | undefined {
  const fitting = keys.filter(
    ({ keyId, jwk }) =>
      (wanted.keyId === undefined || wanted.keyId === keyId) &&
      isKeyFor(wanted.algorithm, jwk) &&
      (jwk.alg === undefined || jwk.alg === wanted.algorithm),
  )
  return fitting.length === 1 ? fitting[0] : undefined
}

/** Whether every key of `before` is still in `after`. */
export function keepsEveryKey(before: KeySet, after: KeySet): boolean {
  return before.every(({ text }) => after.some((key) => key.text === text))
}

function readKey(value: unknown): VerificationKey | undefined {
  if (!isMembers(value) || !isForVerifying(value)) return undefined
  const { kid, alg } = value
  if (kid !== undefined && !isText(kid, MAX_KID_CHARS)) return undefined
  if (alg !== undefined && (typeof alg !== 'string' || !isVerifiable(alg))) return undefined
  const material = publicMembers(value)
  if (material === undefined) return undefined
  const jwk = Object.freeze(alg === undefined ? material : { ...material, alg })
  const key = keyOf(material)
  return key && { keyId: kid, jwk, key, text: JSON.stringify([kid ?? null, jwk]) }
}

/** Undefined for members that make no key: a point off the curve, a curve that is not known. */
function keyOf(material: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: material, format: 'jwk' })
  } catch {
    return undefined
  }
}

function isForVerifying({ d, use, key_ops: operations }: Members): boolean {
  // A published private key is no secret any more: whoever signs with it proves nothing.
  if (d !== undefined) return false
  if (use !== undefined && !VERIFYING_USES.includes(use)) return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

/** Copies only what makes the public key, so that nothing else in a set can steer its use. */
function publicMembers({ kty, crv, n, e, x, y }: Members): JsonWebKey | undefined {
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') {
    return bitsOf(n) >= MIN_RSA_BITS ? { kty, n, e } : undefined
  }
  if (typeof crv !== 'string' || typeof x !== 'string') return undefined
  if (kty === 'EC' && typeof y === 'string') return { kty, crv, x, y }
  return kty === 'OKP' ? { kty, crv, x } : undefined
}

function bitsOf(modulus: string): number {
  const bytes = Buffer.from(modulus, 'base64url')
  const first = bytes.findIndex((byte) => byte !== 0)
  if (first === -1) return 0
  return (bytes.length - first) * 8 - (Math.clz32(bytes[first] ?? 0) - 24)
}
