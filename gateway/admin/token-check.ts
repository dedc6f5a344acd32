import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../model/secret.ts'

/** Characters of an `Authorization` header that are looked at; tokens are far shorter. */
const MAX_HEADER_CHARS = 1024

/**
 * Returns the function that says whether an `Authorization` header carries the token. Both sides are
 * hashed first, so the comparison takes the same time whatever was sent, of any length.
 */
export function createTokenCheck(token: Secret): (authorization: string | undefined) => boolean {
  const expected = hash(token.reveal())
  return (authorization) => {
    if (authorization === undefined || authorization.length > MAX_HEADER_CHARS) return false
    // RFC 9110 §11.1: the scheme is case-insensitive.
    const sent = /^bearer +(?<token>[\x21-\x7e]+) *$/i.exec(authorization)?.groups?.['token']
    return sent !== undefined && timingSafeEqual(hash(sent), expected)
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
