import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'

import { compactVerify, jwtVerify } from 'jose'

import { isSignedBy } from './check-signature.ts'
import { signEs256 } from './sign-es256.ts'
import { signJwt } from './sign-jwt.ts'

/** One in 128 has a number that begins with a zero byte: that none of so many has is as likely as 1e-7. */
const SIGNATURES = 2_000

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('another library verifies what is signed, also where a number begins with zeros', async () => {
  const head = Buffer.from('{"alg":"ES256"}').toString('base64url')
  let withZeros = 0
  const tokens = Array.from({ length: SIGNATURES }, (_, number) => {
    const text = `${head}.${Buffer.from(`text ${number}`).toString('base64url')}`
    const signature = signEs256(Buffer.from(text), privateKey)
    assert.equal(signature.length, 64)
    if (signature[0] === 0 || signature[32] === 0) withZeros += 1
    return `${text}.${signature.toString('base64url')}`
  })
  assert.ok(withZeros > 0)
  assert.ok(tokens.every((token) => isSignedBy(token, publicKey, 'ES256')))
  await Promise.all(tokens.map((token) => compactVerify(token, publicKey)))
})

test('what one key has signed no other verifies', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  const key = { kid: 'k', privateKey, publicJwk: {}, activeFromMs: 0 }
  const token = signJwt({ iss: 'https://gw.example' }, key, 'at+jwt')
  const { payload } = await jwtVerify(token, createPublicKey(privateKey))
  assert.equal(payload.iss, 'https://gw.example')
  await assert.rejects(jwtVerify(token, other), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
})
