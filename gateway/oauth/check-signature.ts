/**
 * The signature algorithms of access tokens (RFC 7518 §3.1, RFC 8037, RFC 9864), each with what it needs of
 * a key. Signatures are checked where they arise: on a thread of its own a check waits longer for the
 * thread than it takes.
 */
import type { KeyObject } from 'node:crypto'
import { constants, verify } from 'node:crypto'

import { derOf } from './der-signature.ts'

/** How an algorithm is verified. `none` and the HMAC ones are not here, and so can never be. */
type Algorithm = {
  /** The type and curve of its keys, as a JWK names them. */
  readonly kty: string
  readonly crv?: string
  /** Undefined where the algorithm has its own. */
  readonly digest: string | undefined
  /** Bytes of each of the two numbers that a signature is (RFC 7518 §3.4); undefined where it is none. */
  readonly numberBytes?: number
  /** What else OpenSSL must be told; what it takes for granted of RSA keys is PKCS #1 v1.5. */
  readonly options?: { readonly padding: number; readonly saltLength: number }
}

/** RFC 7518 §3.5: the salt is as long as the digest. */
const PSS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
}

const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['RS256', { kty: 'RSA', digest: 'sha256' }],
  ['RS384', { kty: 'RSA', digest: 'sha384' }],
  ['RS512', { kty: 'RSA', digest: 'sha512' }],
  ['PS256', { kty: 'RSA', digest: 'sha256', options: PSS }],
  ['PS384', { kty: 'RSA', digest: 'sha384', options: PSS }],
  ['PS512', { kty: 'RSA', digest: 'sha512', options: PSS }],
  ['ES256', { kty: 'EC', crv: 'P-256', digest: 'sha256', numberBytes: 32 }],
  ['ES384', { kty: 'EC', crv: 'P-384', digest: 'sha384', numberBytes: 48 }],
  ['ES512', { kty: 'EC', crv: 'P-521', digest: 'sha512', numberBytes: 66 }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', digest: undefined }],
  ['Ed25519', { kty: 'OKP', crv: 'Ed25519', digest: undefined }],
])

/** Whether tokens signed with this algorithm can be verified at all. */
export function isVerifiable(algorithm: string): boolean {
  return ALGORITHMS.has(algorithm)
}

/** Whether a key of this type and curve is one for this algorithm. */
export function isKeyFor(
  algorithm: string,
  { kty, crv }: { readonly kty?: string; readonly crv?: string },
): boolean {
  const needs = ALGORITHMS.get(algorithm)
  return needs?.kty === kty && (needs?.crv === undefined || needs.crv === crv)
}

/**
 * Whether the signature of a compact JWS is right (RFC 7515 §5.2). The algorithm decides how, whatever
 * the key could be used for otherwise; the caller has seen to it that `isKeyFor` is true.
 *
 * @param token Three segments, each canonical base64url.
 */
export function isSignedBy(token: string, key: KeyObject, algorithm: string): boolean {
  const needs = ALGORITHMS.get(algorithm)
  if (needs === undefined) return false
  const { digest, numberBytes, options } = needs
  const end = token.lastIndexOf('.')
  const signed = Buffer.from(token.slice(0, end), 'latin1')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  if (options !== undefined) return verify(digest, signed, { key, ...options }, signature)
  // By itself: of a key among options Node 24 first tries whether the options are a key, and finds out by two
  // exceptions, which together take longer than an RSA signature.
  if (numberBytes === undefined) return verify(digest, signed, key, signature)
  return signature.length === 2 * numberBytes && verify(digest, signed, key, derOf(signature))
}
