/**
 * A compact JWT taken apart, with nothing believed yet: it is needed to know whose keys and rules
 * apply. Everything the gateway does not understand in a header is refused or ignored here.
 */
import type { TokenRefusal } from '../model/event.ts'
import { isText } from './claims.ts'
import type { Members } from './strict-json.ts'
import { readJsonObject } from './strict-json.ts'

/** Longest token read, in characters; it must fit beside other headers in 16 KiB of them. */
export const MAX_TOKEN_CHARS = 8 * 1024

/** Longest key id, in characters: it becomes a key of the negative cache. */
export const MAX_KID_CHARS = 256

/** A token whose signature and claims have not been checked. */
export type UnverifiedJwt = {
  readonly token: string
  readonly algorithm: string
  readonly keyId: string | undefined
  /** The `typ` header in lower case, without a leading `application/` (RFC 7515 §4.1.9). */
  readonly type: string | undefined
  readonly claims: Members
}

export type ParsedJwt =
  | { readonly ok: true; readonly jwt: UnverifiedJwt }
  | { readonly ok: false; readonly reason: TokenRefusal }

const MALFORMED: ParsedJwt = { ok: false, reason: 'malformed' }

/**
 * Takes a compact JWS apart (RFC 7515 §7.1): three canonical base64url segments, header and payload
 * JSON objects without a repeated member, `alg` a string, `kid` and `typ` strings where present. A
 * `crit` header is refused whatever it lists; `jku`, `x5u`, `x5c` and `jwk` are never looked at.
 */
export function parseJwt(token: string): ParsedJwt {
  if (token.length > MAX_TOKEN_CHARS) return MALFORMED
  const [head, body, signature, ...more] = token.split('.')
  if (head === undefined || body === undefined || signature === undefined || more.length > 0) {
    return MALFORMED
  }
  const header = readSegment(head)
  const claims = readSegment(body)
  if (header === undefined || claims === undefined || fromBase64url(signature) === undefined) {
    return MALFORMED
  }
  const { alg, kid, typ } = header
  if (Object.hasOwn(header, 'crit') || typeof alg !== 'string') return MALFORMED
  if (kid !== undefined && !isText(kid, MAX_KID_CHARS)) return MALFORMED
  if (typ !== undefined && typeof typ !== 'string') return MALFORMED
  const type = typ?.toLowerCase().replace(/^application\//, '')
  return { ok: true, jwt: { token, algorithm: alg, keyId: kid, type, claims } }
}

function readSegment(segment: string): Members | undefined {
  const bytes = fromBase64url(segment)
  return bytes && readJsonObject(bytes)
}

/** Only the one canonical spelling, so that a token cannot be varied without breaking it. */
function fromBase64url(segment: string): Buffer | undefined {
  const bytes = Buffer.from(segment, 'base64url')
  return segment !== '' && bytes.toString('base64url') === segment ? bytes : undefined
}
