import { createHash, type JsonWebKey } from 'node:crypto'

/** The SHA-256 thumbprint of an elliptic-curve public key, in base64url (RFC 7638 §3.2). */
export function thumbprint({ crv, kty, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
