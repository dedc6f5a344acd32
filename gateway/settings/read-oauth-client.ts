/** Us as a client of somebody else's authorization server, and how we say so there. */
import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'

import type { AssertionKey, ClientAssertion, OAuthClient } from '../model/credential.ts'
import type { Path } from '../model/problem.ts'
import { Secret } from '../model/secret.ts'
import type { ClientAssertionFile, OAuthClientFile } from './credential-file.ts'
import type { Reading } from './reading.ts'
import { readSecret } from './secrets.ts'

/** The shortest RSA key that signs (NIST SP 800-57). */
const MIN_RSA_BITS = 2_048

/** What a key can sign with, the usual first. */
const ALGORITHMS: Readonly<Record<string, readonly AssertionKey['algorithm'][]>> = {
  rsa: ['RS256', 'PS256'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  ed25519: ['EdDSA'],
}

/**
 * Us as a client; undefined when something about it is reported.
 *
 * @param audience Whom a signed assertion is for unless it is written: the issuer, or the endpoint.
 */
export async function readClient(
  reading: Reading,
  at: Path,
  { written, audience }: { readonly written: OAuthClientFile; readonly audience: string },
): Promise<OAuthClient | undefined> {
  const { id, auth = written.secret === undefined ? 'none' : 'basic' } = written
  const needsSecret = auth === 'basic' || auth === 'post'
  if (needsSecret !== (written.secret !== undefined)) {
    const problem = needsSecret ? 'needs a secret' : `says nothing beside a secret; remove one`
    reading.report([...at, 'auth'], `${auth} ${problem}`)
    return undefined
  }
  if (auth !== 'private_key_jwt') {
    if (written.assertion !== undefined) {
      reading.reportKey([...at, 'assertion'], `says nothing with auth: ${auth}`)
    }
    const secret =
      written.secret === undefined
        ? undefined
        : await readSecret(reading, [...at, 'secret'], written.secret)
    return needsSecret && secret === undefined ? undefined : { id, secret, auth }
  }
  const assertion = await readAssertion(reading, [...at, 'assertion'], written.assertion ?? {})
  return assertion && { id, secret: undefined, auth, assertion: { audience, ...assertion } }
}

async function readAssertion(
  reading: Reading,
  at: Path,
  written: ClientAssertionFile,
): Promise<(Pick<ClientAssertion, 'key'> & { audience?: string }) | undefined> {
  const audience = written.audience === undefined ? {} : { audience: written.audience }
  if (written.key === undefined) {
    for (const name of ['key_id', 'algorithm', 'certificate'] as const) {
      if (written[name] !== undefined) reading.reportKey([...at, name], 'says nothing without key')
    }
    return { key: undefined, ...audience }
  }
  const key = await readKey(reading, at, { ...written, key: written.key })
  return key && { key, ...audience }
}

async function readKey(
  reading: Reading,
  at: Path,
  written: ClientAssertionFile & { readonly key: string },
): Promise<AssertionKey | undefined> {
  const pem = await reading.readText([...at, 'key'], written.key)
  const key = pem === undefined ? undefined : parse(() => createPrivateKey(pem))
  if (pem === undefined) return undefined
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: details } = key ?? {}
  const possible = ALGORITHMS[details?.namedCurve ?? type]
  if (
    key === undefined ||
    possible === undefined ||
    (details?.modulusLength ?? MIN_RSA_BITS) < MIN_RSA_BITS
  ) {
    const kinds = `RSA of ${MIN_RSA_BITS} bits or more, P-256, P-384 or Ed25519`
    const file = reading.absolute(written.key)
    reading.report([...at, 'key'], `${file}: must be an unencrypted PEM private key, ${kinds}`)
    return undefined
  }
  const algorithm = written.algorithm ?? possible[0]
  if (algorithm === undefined || !possible.includes(algorithm)) {
    reading.report([...at, 'algorithm'], `that key signs with ${possible.join(' or ')}`)
    return undefined
  }
  const certificate = await readThumbprint(reading, at, { written, key })
  // Who knows the key by its certificate knows no other name of it.
  const kid = written.key_id ?? (certificate === undefined ? thumbprintOf(key) : undefined)
  return { pem: new Secret(pem), algorithm, kid, certificate }
}

/** SHA-256 of the certificate, which must be that of the key (RFC 7515 §4.1.8). */
async function readThumbprint(
  reading: Reading,
  at: Path,
  { written, key }: { readonly written: ClientAssertionFile; readonly key: KeyObject },
): Promise<string | undefined> {
  if (written.certificate === undefined) return undefined
  const path = [...at, 'certificate']
  const text = await reading.readText(path, written.certificate)
  const certificate = text === undefined ? undefined : parse(() => new X509Certificate(text))
  if (text !== undefined && certificate?.checkPrivateKey(key) !== true) {
    const file = reading.absolute(written.certificate)
    reading.report(path, `${file}: must be the PEM certificate of the key`)
  }
  return certificate && digest(certificate.raw)
}

/** RFC 7638: what everybody calls this key who knows its public half. */
function thumbprintOf(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' })
  // In this order, and no other member.
  return digest(JSON.stringify({ crv, e, kty, n, x, y }))
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url')
}

function parse<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
