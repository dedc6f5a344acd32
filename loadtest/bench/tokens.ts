/** Throw-away keys and access tokens (RFC 9068) of one run. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { TOKEN_BYTES } from './constants.ts'

/** `iss` of every token; nothing is ever fetched from it. */
export const ISSUER = 'https://issuer.bench.example'
/** The one scope that the deciding rule asks for. */
export const SCOPE = 'bench:use'

/** Tokens outlive every run. */
const LIFETIME_SECONDS = 3600
/** 2048 bits in base64url. */
const RS256_SIGNATURE_CHARS = 342

/** RS256 is cheap to verify and dear to sign, ES256 the other way round. */
export type Algorithm = 'RS256' | 'ES256'

/** Keys and the tokens they sign; gone when the run ends. */
export type TokenMint = {
  /** Public keys, as a JWKS document. */
  readonly jwks: string
  /** The RS256 key in PEM, for programs that take no JWKS. */
  readonly rsaPublicPem: string
  /** Mints `count` tokens that differ in subject and id. */
  mint(algorithm: Algorithm, count: number): string[]
}

/** What every token says. */
export type TokenMintOptions = { readonly audience: string; readonly nowSeconds: number }

/** Makes fresh keys: RSA with 2,048 bits and P-256. */
export function createTokenMint({ audience, nowSeconds }: TokenMintOptions): TokenMint {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = { RS256: rsa.privateKey, ES256: ec.privateKey }
  const jwks = JSON.stringify({
    keys: [
      { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'bench-RS256', alg: 'RS256', use: 'sig' },
      { ...ec.publicKey.export({ format: 'jwk' }), kid: 'bench-ES256', alg: 'ES256', use: 'sig' },
    ],
  })
  let serial = 0
  const mintOne = (algorithm: Algorithm): string => {
    serial++
    const claims = {
      iss: ISSUER,
      aud: audience,
      sub: subjectOf(serial),
      client_id: `client-${String(serial % 20).padStart(2, '0')}`,
      iat: nowSeconds,
      exp: nowSeconds + LIFETIME_SECONDS,
      jti: randomUUID(),
      scope: SCOPE,
    }
    return signToken(algorithm, keys[algorithm], claims)
  }
  return {
    jwks,
    rsaPublicPem: rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    mint: (algorithm, count) => Array.from({ length: count }, () => mintOne(algorithm)),
  }
}

/** The subject of the token with that serial number; the first is 1. */
export function subjectOf(serial: number): string {
  return `agent-${String(serial).padStart(6, '0')}`
}

/** A token whose signature does not fit: what a proxy that verifies must refuse. */
export function forged(token: string): string {
  const [head, claims, signature = ''] = token.split('.')
  const turned = signature.startsWith('A') ? 'B' : 'A'
  return `${head}.${claims}.${turned}${signature.slice(1)}`
}

function signToken(
  algorithm: Algorithm,
  key: KeyObject,
  claims: Readonly<Record<string, unknown>>,
): string {
  const header = encode({ alg: algorithm, typ: 'at+jwt', kid: `bench-${algorithm}` })
  const text = `${header}.${encode({ ...claims, scope: paddedScope(header, claims) })}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** Adds a scope nobody asks for, long enough to give an RS256 token the length that is measured. */
function paddedScope(header: string, claims: Readonly<Record<string, unknown>>): string {
  const claimsChars = TOKEN_BYTES - RS256_SIGNATURE_CHARS - header.length - '..'.length
  const missingBytes = Math.floor((claimsChars * 3) / 4) - JSON.stringify(claims).length
  return `${SCOPE} ${'x'.repeat(Math.max(1, missingBytes - 1))}`
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
