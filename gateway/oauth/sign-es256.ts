import type { KeyObject } from 'node:crypto'
import { sign } from 'node:crypto'

import { pairOf } from './der-signature.ts'

/** Bytes of each of the two numbers that a signature is (RFC 7518 §3.4). */
const NUMBER_BYTES = 32

/**
 * Returns the ES256 signature of a text, as a JWS has it.
 *
 * @param key A private key on P-256.
 */
export function signEs256(text: Uint8Array, key: KeyObject): Buffer {
  // The key by itself, for the reason in `check-signature.ts`; OpenSSL then writes DER.
  return pairOf(sign('sha256', text, key), NUMBER_BYTES)
}
