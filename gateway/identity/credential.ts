/** Reads the `Authorization` header (RFC 6750 §2.1, RFC 9110 §11). Pure. */
import { API_KEY_MARK } from './api-keys.ts'

/**
 * What a bearer credential could be: a token, an API key, something no token looks like, or several
 * words or a list, which no two readers would split alike.
 */
export type BearerKind = 'token' | 'api_key' | 'malformed' | 'several'

const BEARER = 'Bearer '

/** The characters a bearer token may have: token68 of RFC 9110 §11.2. */
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Returns the text of the `Bearer` credential, unchecked. Empty for another scheme, so that what the
 * gateway does not understand is refused like a bad token and never taken for absent.
 */
export function bearerOf(authorization: string): string {
  // The spelling of every client, without the cost of a pattern.
  if (authorization.startsWith(BEARER)) {
    const token = authorization.slice(BEARER.length)
    if (!token.startsWith(' ')) return token
  }
  // RFC 9110 §11.1: the scheme is case-insensitive, and several spaces may follow it.
  return /^bearer +(.*)$/i.exec(authorization)?.[1] ?? ''
}

/** Returns the text of the `DPoP` credential (RFC 9449 §7.1), unchecked; undefined for another scheme. */
export function provenTokenOf(authorization: string): string | undefined {
  return /^dpop +(.*)$/i.exec(authorization)?.[1]
}

/** Returns what the text of a bearer credential could be. */
export function kindOfBearer(text: string): BearerKind {
  if (/[\s,]/.test(text)) return 'several'
  if (!TOKEN68.test(text)) return 'malformed'
  return text.startsWith(API_KEY_MARK) ? 'api_key' : 'token'
}
