/** A client with a key of its own, which proves with each request that it has it (RFC 9449). */
import { createHash, randomUUID } from 'node:crypto'
import type { JWK } from 'jose'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

export type Prover = {
  /** What a token is bound to: its `cnf.jkt`. */
  readonly thumbprint: string
  readonly jwk: JWK
  /** A new proof for this request; `claims` and `header` given here win, undefined leaves one out. */
  prove(request: ProofFor, more?: ProofChanges): Promise<string>
}

export type ProofFor = {
  readonly token: string
  readonly httpMethod: string
  readonly url: string
  readonly nowSeconds: number
}

export type ProofChanges = {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

export async function createProver(algorithm = 'ES256'): Promise<Prover> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jwk,
    thumbprint: await calculateJwkThumbprint(jwk),
    prove: ({ token, httpMethod, url, nowSeconds }, { claims, header } = {}) =>
      new SignJWT({
        jti: randomUUID(),
        htm: httpMethod,
        htu: url,
        iat: nowSeconds,
        ath: createHash('sha256').update(token).digest('base64url'),
        ...claims,
      })
        .setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk, ...header })
        .sign(privateKey),
  }
}
