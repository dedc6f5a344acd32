/**
 * A JSON Web Key Set as a verifier wants it (RFC 7517): public signature keys only, each found by key
 * id, key type, use and algorithm together. The algorithm is never taken from the token alone.
 */
import type { JWK } from 'jose'
import { isText } from './claims.ts'
import { MAX_KID_CHARS } from './parse-jwt.ts'
import type { Members } from './strict-json.ts'
import { isMembers } from './strict-json.ts'

/** One public key that may verify signatures. */
export type VerificationKey = {
  readonly keyId: string | undefined
  /** Frozen public members; jose keeps the imported key with this object. */
  readonly jwk: JWK
  /** The same key always has the same text, so sets can be compared. */
  readonly text: string
}

export type KeySet = readonly VerificationKey[]

/** Keys read from one set: more than any issuer publishes, few enough to search one by one. */
const MAX_KEYS = 100

/** RSA moduli below 2048 bits are not accepted (RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048

/** The asymmetric algorithms there are, and the key type and curve each needs (RFC 7518, 8037, 9864). */
const KEY_OF_ALGORITHM: ReadonlyMap<string, { readonly kty: string; readonly crv?: string }> =
  new Map([
    ['RS256', { kty: 'RSA' }],
    ['RS384', { kty: 'RSA' }],
    ['RS512', { kty: 'RSA' }],
    ['PS256', { kty: 'RSA' }],
    ['PS384', { kty: 'RSA' }],
    ['PS512', { kty: 'RSA' }],
    ['ES256', { kty: 'EC', crv: 'P-256' }],
    ['ES384', { kty: 'EC', crv: 'P-384' }],
    ['ES512', { kty: 'EC', crv: 'P-521' }],
    ['EdDSA', { kty: 'OKP', crv: 'Ed25519' }],
    ['Ed25519', { kty: 'OKP', crv: 'Ed25519' }],
  ])

/** Whether tokens signed with this algorithm can be verified at all. `none` and HMAC never can. */
export function isVerifiable(algorithm: string): boolean {
  return KEY_OF_ALGORITHM.has(algorithm)
}

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
  const needs = KEY_OF_ALGORITHM.get(wanted.algorithm)
  const fitting = keys.filter(
    ({ keyId, jwk }) =>
      (wanted.keyId === undefined || wanted.keyId === keyId) &&
      needs !== undefined &&
      jwk.kty === needs.kty &&
      (needs.crv === undefined || jwk.crv === needs.crv) &&
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
  return { keyId: kid, jwk, text: JSON.stringify([kid ?? null, jwk]) }
}

function isForVerifying({ d, use, key_ops: operations }: Members): boolean {
  // A published private key is no secret any more: whoever signs with it proves nothing.
  if (d !== undefined) return false
  if (use !== undefined && use !== 'sig') return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

/** Copies only what makes the public key, so that nothing else in a set can steer its use. */
function publicMembers({ kty, crv, n, e, x, y }: Members): JWK | undefined {
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
