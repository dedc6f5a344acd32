import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { newApiKey } from './api-keys.ts'
import { apiKeyPrefix, credentialIn, withoutCredentials } from './credential-text.ts'

const KEY = newApiKey(randomBytes)
const JWT = [{ alg: 'ES256' }, { jti: 'one' }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat(randomBytes(64).toString('base64url'))
  .join('.')

test('API keys and JWTs are known wherever they stand, cut off too', () => {
  for (const text of [KEY.text, `was: ${KEY.text}!`, KEY.text.slice(0, 20)]) {
    assert.equal(credentialIn(text), 'api_key', text)
  }
  for (const text of [JWT, `Bearer ${JWT}`, JWT.slice(0, -70), JWT.split('.', 2).join('.')]) {
    assert.equal(credentialIn(text), 'jwt', text)
  }
})

test('names are no credentials', () => {
  const names = [
    KEY.prefix,
    `ghk_${KEY.prefix}`,
    'ghk_team_key',
    'https://idp.example',
    'eyJ',
    'a.b.c',
  ]
  for (const name of [...names, crypto.randomUUID(), 'eyJhbGciOiJub25lIn0', '']) {
    assert.equal(credentialIn(name), undefined, name)
    assert.equal(withoutCredentials(name), name)
  }
})

test('every credential in a text is taken out, and what is around it stays', () => {
  const text = `${KEY.text} then ${JWT}, ${KEY.text}`
  assert.equal(withoutCredentials(text), '[credential] then [credential], [credential]')
})

test('the prefix of an API key is found in the key, and a prefix stays itself', () => {
  for (const text of [
    KEY.text,
    `${KEY.text}\n`,
    `ghk_${KEY.prefix}`,
    `ghk_${KEY.prefix}_`,
    KEY.prefix,
  ]) {
    assert.equal(apiKeyPrefix(text), KEY.prefix)
  }
  for (const text of ['ghk_abcd', 'ghk_short_x', 'xghk_12345678_s', ''])
    assert.equal(apiKeyPrefix(text), text)
})
