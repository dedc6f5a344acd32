/** Keys and tokens for tests: real keys made here, tokens signed by jose, nothing pre-recorded. */
import type { CryptoKey, JWK } from 'jose'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'

export type Signer = {
  readonly algorithm: string
  readonly keyId: string
  readonly privateKey: CryptoKey
  /** The public key as an issuer publishes it, with `kid`, `alg` and `use`. */
  readonly jwk: JWK
  /** Signs claims as `at+jwt`; header members given here win, `undefined` leaves one out. */
  sign(claims: object, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** Signs a payload given as text, for what no JSON serialiser writes. */
  signText(payload: string, header?: Readonly<Record<string, unknown>>): Promise<string>
}

/** Makes a key pair and what signs with it. */
export async function createSigner(algorithm = 'ES256', keyId = 'key-1'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: 'sig' }
  const signText = (payload: string, header: Readonly<Record<string, unknown>> = {}) =>
    new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'at+jwt', ...header })
      .sign(privateKey)
  const sign = (claims: object, header: Readonly<Record<string, unknown>> = {}) =>
    signText(JSON.stringify(claims), header)
  return { algorithm, keyId, privateKey, jwk, sign, signText }
}

/** Base64url of a text or of JSON, for tokens put together by hand. */
export function segment(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(text).toString('base64url')
}
