/**
 * AES-256-GCM (NIST SP 800-38D) as text: nonce, what is sealed, and tag, in base64url. Keys are made key objects
 * first: `node:crypto` takes bytes for one, and catching what that throws costs four times as much.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'

/** Random for each text: one key may seal 2^32 of them (SP 800-38D §8.3). */
const IV_BYTES = 12
const TAG_BYTES = 16

/** @param key 32 bytes. @param aad What is authenticated and not in it. */
export function encrypt(key: Uint8Array, aad: Buffer, text: Buffer): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), iv)
  cipher.setAAD(aad)
  const sealed = [cipher.update(text), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([iv, ...sealed]).toString('base64url')
}

/** Undefined for what was sealed otherwise, or changed. */
export function decrypt(key: Uint8Array, aad: Buffer, sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
  const options = { authTagLength: TAG_BYTES }
  const iv = bytes.subarray(0, IV_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), iv, options)
  decipher.setAAD(aad)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES))
    return Buffer.concat([text, decipher.final()])
  } catch {
    return undefined
  }
}
