import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { TOKEN_BYTES } from './constants.ts'
import { ISSUER, createTokenMint, forged } from './tokens.ts'

const audience = 'https://bench.example/mcp'
const nowSeconds = 1_800_000_000
const mint = createTokenMint({ audience, nowSeconds })
const keys = createLocalJWKSet(JSON.parse(mint.jwks) as JSONWebKeySet)
const rules = { issuer: ISSUER, audience, typ: 'at+jwt', currentDate: new Date(nowSeconds * 1000) }

test('tokens verify against the published keys and differ in subject and id', async () => {
  for (const algorithm of ['RS256', 'ES256'] as const) {
    const [one = '', other = ''] = mint.mint(algorithm, 2)
    const first = await jwtVerify(one, keys, { ...rules, algorithms: [algorithm] })
    const second = await jwtVerify(other, keys, { ...rules, algorithms: [algorithm] })
    assert.notEqual(first.payload.sub, second.payload.sub)
    assert.notEqual(first.payload.jti, second.payload.jti)
  }
})

test('a forged token does not verify', async () => {
  const [token = ''] = mint.mint('RS256', 1)
  await assert.rejects(jwtVerify(forged(token), keys, rules), {
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  })
})

test('an RS256 token has the length that is measured', () => {
  for (const token of mint.mint('RS256', 40)) {
    assert.ok(Math.abs(token.length - TOKEN_BYTES) <= 1, `${token.length} bytes`)
  }
})
