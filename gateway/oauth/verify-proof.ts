/**
 * DPoP proofs (RFC 9449): a JWT that the holder of a key signs for one request, so that a token bound to
 * the key is worth nothing to whoever merely has its text.
 */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'

import { isText } from './claims.ts'
import { isVerifiable } from './check-signature.ts'
import { parseJwt } from './parse-jwt.ts'

/** What a proof must be for. */
export type ProvenRequest = {
  /** The access token it comes with; undefined where one is asked for. */
  readonly token: string | undefined
  /** SHA-256 thumbprint (RFC 7638) of the key it must be made with, in base64url; undefined for any key. */
  readonly thumbprint: string | undefined
  readonly httpMethod: string
  /** The public URL asked for, without query and fragment. */
  readonly url: string
  readonly nowSeconds: number
}

/** `id`: its own name, which must not come again while it would be accepted. */
export type VerifiedProof =
  | { readonly ok: true; readonly id: string; readonly thumbprint: string }
  | { readonly ok: false }

/** How far the time of a proof may be from now, in seconds, in either direction (R-TOK-4). */
export const PROOF_WINDOW_SECONDS = 60

/** Longest `jti`, in characters; a UUID has 36. */
const MAX_ID_CHARS = 256

/** What proofs may be signed with: the `algs` of a challenge (RFC 9449 §7.1). */
export const PROOF_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'ES384', 'PS256', 'RS256']

const INVALID = { ok: false } as const

/**
 * Checks a proof as RFC 9449 §4.3 says, all but whether it came before. Never throws for any text.
 */
export async function verifyProof(proof: string, request: ProvenRequest): Promise<VerifiedProof> {
  // Two readers must not find two different proofs in one text.
  const parsed = parseJwt(proof)
  if (!parsed.ok || !isVerifiable(parsed.jwt.algorithm)) return INVALID
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...PROOF_ALGORITHMS],
      currentDate: new Date(request.nowSeconds * 1_000),
    })
    const { jwk } = protectedHeader
    if (jwk === undefined) return INVALID
    const thumbprint = await calculateJwkThumbprint(jwk)
    if (thumbprint !== (request.thumbprint ?? thumbprint)) return INVALID
    const { htm, htu, ath, iat, jti } = payload
    const isForToken = request.token === undefined || ath === digestOf(request.token)
    const isForThis = htm === request.httpMethod && isSameUrl(htu, request.url) && isForToken
    const isRecent =
      typeof iat === 'number' && Math.abs(request.nowSeconds - iat) <= PROOF_WINDOW_SECONDS
    const isNamed = isText(jti, MAX_ID_CHARS)
    return isForThis && isRecent && isNamed ? { ok: true, id: jti, thumbprint } : INVALID
  } catch {
    // Of many kinds: what a sender writes where a key should be reaches the import of keys.
    return INVALID
  }
}

/** Compared after normalization, without query and fragment (RFC 9449 §4.3). */
function isSameUrl(claimed: unknown, asked: string): boolean {
  const url = typeof claimed === 'string' ? URL.parse(claimed) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.origin + url.pathname === asked
}

/** The `ath` of a token (RFC 9449 §4.2). */
function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
