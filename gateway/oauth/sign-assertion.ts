/** Signs a JWT with a private key from a file, as clients of others' authorization servers do (RFC 7523). */
import { constants, createPrivateKey, sign } from 'node:crypto'

import type { AssertionKey } from '../model/credential.ts'
import type { ClaimsToSign } from './sign-jwt.ts'

/** RFC 7518 §3.1 in the words of `node:crypto`; Ed25519 has a hash of its own. */
const METHODS = {
  RS256: { hash: 'sha256', padding: constants.RSA_PKCS1_PADDING },
  PS256: {
    hash: 'sha256',
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
  ES256: { hash: 'sha256', dsaEncoding: 'ieee-p1363' },
  ES384: { hash: 'sha384', dsaEncoding: 'ieee-p1363' },
  EdDSA: { hash: undefined },
} as const

/** The compact form. The certificate goes along as its hash (`x5t#S256`, RFC 7515 §4.1.8). */
export function signAssertion(claims: ClaimsToSign, key: AssertionKey): string {
  const { algorithm: alg, certificate, kid, pem } = key
  const head = encode({ alg, typ: 'JWT', kid, 'x5t#S256': certificate })
  const text = `${head}.${encode(claims)}`
  const { hash, ...method } = METHODS[alg]
  const options = { key: createPrivateKey(pem.reveal()), ...method }
  return `${text}.${sign(hash, Buffer.from(text), options).toString('base64url')}`
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
