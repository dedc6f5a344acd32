import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { createSigner } from '../testkit/signer.ts'
import { isVerifiable } from './check-signature.ts'
import { findKey, keepsEveryKey, readKeySet } from './key-set.ts'

const { jwk: ec } = await createSigner('ES256', 'ec')
const { jwk: ed } = await createSigner('EdDSA', 'ed')
const rsaJwk = (modulusLength: number) => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength })
  return publicKey.export({ format: 'jwk' })
}

test('what is no key set, or holds no usable key, is none', () => {
  for (const document of [
    undefined,
    null,
    [],
    {},
    { keys: {} },
    { keys: [] },
    { keys: [1, null, 'x'] },
  ]) {
    assert.equal(readKeySet(document), undefined, JSON.stringify(document))
  }
})

test('keys that must not verify are left out and the rest is kept', () => {
  const bad = [
    { kty: 'oct', k: 'c2VjcmV0', kid: 'hmac' },
    { ...ec, d: 'private', kid: 'private' },
    { ...ec, use: 'enc', kid: 'enc' },
    { ...ec, use: 'x509-svid', kid: 'x509' },
    { ...ec, key_ops: ['sign'], kid: 'ops' },
    { ...ec, alg: 'HS256', kid: 'alg' },
    { ...ec, alg: 1, kid: 'alg-type' },
    { ...ec, kid: 1 },
    { ...ec, kid: '' },
    { ...ec, kid: 'no-x', x: undefined },
    { kty: 'OTHER', x: 'AAAA', crv: 'P-256', kid: 'kty' },
    { ...rsaJwk(1024), kid: 'weak' },
  ]
  const keys = readKeySet({ keys: [...bad, ec] })
  assert.deepEqual(
    keys?.map((key) => key.keyId),
    ['ec'],
  )
})

test('keys of a trust domain that sign JWTs for its programs can verify them', () => {
  const keys = readKeySet({ keys: [{ ...ec, use: 'jwt-svid' }] })
  assert.deepEqual(keys?.[0]?.keyId, 'ec')
})

test('a 2048-bit RSA key is kept, also when its modulus is written with leading zeros', () => {
  const jwk = rsaJwk(2048)
  const padded = Buffer.concat([Buffer.alloc(2), Buffer.from(jwk.n ?? '', 'base64url')])
  assert.equal(readKeySet({ keys: [jwk] })?.length, 1)
  assert.equal(readKeySet({ keys: [{ ...jwk, n: padded.toString('base64url') }] })?.length, 1)
  const weak = Buffer.concat([Buffer.alloc(128), Buffer.from(rsaJwk(1024).n ?? '', 'base64url')])
  assert.equal(readKeySet({ keys: [{ ...jwk, n: weak.toString('base64url') }] }), undefined)
})

test('only the public members of a key are taken over', () => {
  const [key] = readKeySet({ keys: [{ ...ec, ext: true, x5u: 'https://canary.example' }] }) ?? []
  assert.deepEqual(Object.keys(key?.jwk ?? {}).toSorted(), ['alg', 'crv', 'kty', 'x', 'y'])
})

test('at most 100 keys of a set are read', () => {
  const keys = Array.from({ length: 150 }, (_, index) => ({ ...ec, kid: `k${index}` }))
  assert.equal(readKeySet({ keys })?.length, 100)
})

test('a key is found only when id, type, curve and algorithm all fit', () => {
  const keys = readKeySet({ keys: [ec, ed] }) ?? []
  assert.equal(findKey(keys, { keyId: 'ec', algorithm: 'ES256' })?.keyId, 'ec')
  assert.equal(findKey(keys, { keyId: 'ec', algorithm: 'EdDSA' }), undefined)
  assert.equal(findKey(keys, { keyId: 'ec', algorithm: 'ES384' }), undefined)
  assert.equal(findKey(keys, { keyId: 'ed', algorithm: 'ES256' }), undefined)
  assert.equal(findKey(keys, { keyId: 'other', algorithm: 'ES256' }), undefined)
  assert.equal(findKey(keys, { keyId: 'ec', algorithm: 'none' }), undefined)
})

test('a key that names no algorithm still verifies only those of its type', () => {
  const keys = readKeySet({ keys: [{ ...ec, alg: undefined }] }) ?? []
  assert.equal(findKey(keys, { keyId: 'ec', algorithm: 'ES256' })?.keyId, 'ec')
  assert.equal(findKey(keys, { keyId: 'ec', algorithm: 'RS256' }), undefined)
})

test('a key for another algorithm does not make the one that fits ambiguous', () => {
  const jwk = rsaJwk(2048)
  const keys =
    readKeySet({
      keys: [
        { ...jwk, alg: 'PS256' },
        { ...jwk, alg: 'RS256' },
      ],
    }) ?? []
  assert.equal(findKey(keys, { keyId: undefined, algorithm: 'RS256' })?.jwk.alg, 'RS256')
  assert.equal(findKey(keys, { keyId: undefined, algorithm: 'RS512' }), undefined)
})

test('no symmetric algorithm is verifiable', () => {
  for (const algorithm of ['none', 'HS256', 'HS384', 'HS512', 'rs256', '', 'constructor']) {
    assert.ok(!isVerifiable(algorithm), algorithm)
  }
})

test('a withdrawn or exchanged key is noticed, an added one is not a withdrawal', () => {
  const before = readKeySet({ keys: [ec] }) ?? []
  const both = readKeySet({ keys: [ed, ec] }) ?? []
  assert.ok(keepsEveryKey(before, both))
  assert.ok(!keepsEveryKey(both, before))
  assert.ok(!keepsEveryKey(before, readKeySet({ keys: [{ ...ed, kid: 'ec' }] }) ?? []))
})
