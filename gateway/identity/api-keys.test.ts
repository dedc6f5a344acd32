import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createApiKeys, newApiKey } from './api-keys.ts'
import type { ApiKeyEntry } from './trust.ts'

const NOW_SECONDS = 1_800_000_000

function entryFor(key: { prefix: string; sha256: string }, more: Partial<ApiKeyEntry> = {}) {
  return {
    prefix: key.prefix,
    sha256: key.sha256,
    tenant: 'default',
    subject: 'nightly',
    client: 'report',
    owner: 'team-data',
    kind: 'service',
    scopes: ['db:read'],
    groups: ['batch'],
    servers: undefined,
    expiresAtSeconds: undefined,
    ...more,
  } as const satisfies ApiKeyEntry
}

function reasonOf(keys: ReturnType<typeof createApiKeys>, text: string): string {
  const found = keys.find(text, NOW_SECONDS)
  return found.ok ? 'found' : found.reason
}

test('a new key has a prefix of 8 characters, 256 random bits and the hash of its whole text', () => {
  const key = newApiKey(randomBytes)
  assert.match(key.text, /^ghk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/)
  assert.equal(key.text.slice(4, 12), key.prefix)
  assert.equal(key.sha256, createHash('sha256').update(key.text).digest('hex'))
  const asked: number[] = []
  newApiKey((size) => {
    asked.push(size)
    return Buffer.alloc(size)
  })
  assert.deepEqual(asked, [4, 32])
  assert.equal(new Set(Array.from({ length: 100 }, () => newApiKey(randomBytes).text)).size, 100)
})

test('a configured key is found and stands for the caller its entry says', () => {
  const key = newApiKey(randomBytes)
  const found = createApiKeys([entryFor(key)]).find(key.text, NOW_SECONDS)
  assert.ok(found.ok)
  assert.deepEqual(found.key.caller, {
    tenant: 'default',
    issuer: 'urn:gatehouse:api-key',
    subject: 'nightly',
    client: 'report',
    kind: 'service',
    via: 'api_key',
    groups: new Set(['batch']),
    scopes: new Set(['db:read']),
    actors: [],
    interactive: false,
    tokenId: key.prefix,
    grant: undefined,
    session: undefined,
    issuedAtSeconds: 0,
    expiresAtSeconds: Infinity,
  })
})

test('a key of the right prefix and another secret, and one that is not configured, are unknown', () => {
  const key = newApiKey(randomBytes)
  const keys = createApiKeys([entryFor(key)])
  const other = newApiKey(randomBytes)
  assert.equal(reasonOf(keys, other.text), 'unknown_api_key')
  assert.equal(reasonOf(keys, key.text.slice(0, 13) + other.text.slice(13)), 'unknown_api_key')
  const last = key.text.endsWith('A') ? 'B' : 'A'
  assert.equal(reasonOf(keys, key.text.slice(0, -1) + last), 'unknown_api_key')
})

test('the prefix alone, a shorter, longer or differently written key is malformed', () => {
  const key = newApiKey(randomBytes)
  const keys = createApiKeys([entryFor(key)])
  for (const text of [
    '',
    key.prefix,
    `ghk_${key.prefix}`,
    `ghk_${key.prefix}_`,
    key.text.slice(0, -1),
    `${key.text}A`,
    `${key.text} `,
    ` ${key.text}`,
    `${key.text}\n`,
    key.text.replace('ghk_', 'GHK_'),
    key.sha256,
  ]) {
    assert.equal(reasonOf(keys, text), 'malformed', JSON.stringify(text))
  }
})

test('a hash of all zeros, which unknown prefixes are compared with, opens nothing', () => {
  const keys = createApiKeys([])
  assert.equal(reasonOf(keys, newApiKey(randomBytes).text), 'unknown_api_key')
})

test('a key ends at its second and not after', () => {
  const key = newApiKey(randomBytes)
  const until = (expiresAtSeconds: number) =>
    reasonOf(createApiKeys([entryFor(key, { expiresAtSeconds })]), key.text)
  assert.equal(until(NOW_SECONDS + 1), 'found')
  assert.equal(until(NOW_SECONDS), 'expired')
  assert.equal(until(NOW_SECONDS - 1), 'expired')
})

test('a key is found among many and never another', () => {
  const all = Array.from({ length: 500 }, () => newApiKey(randomBytes))
  const keys = createApiKeys(all.map((key) => entryFor(key, { subject: key.prefix })))
  for (const key of all) {
    const found = keys.find(key.text, NOW_SECONDS)
    assert.equal(found.ok && found.key.caller.subject, key.prefix)
  }
})

test('two keys with one prefix, and a hash that is none, are mistakes', () => {
  const key = newApiKey(randomBytes)
  assert.throws(() => createApiKeys([entryFor(key), entryFor(key)]), /two API keys have the prefix/)
  assert.throws(() => createApiKeys([entryFor({ ...key, sha256: 'abc' })]), /64 hex digits/)
})
