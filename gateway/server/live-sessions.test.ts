import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import type { ApiKeyEntry } from '../identity/trust.ts'
import type { SignedIn } from '../sessions/sessions.ts'
import { createMemoryStore } from '../state/memory.ts'
import { createLiveSessions, type LiveSessionsOptions } from './live-sessions.ts'
import type { Plant } from './plant.ts'

const KEY: ApiKeyEntry = {
  prefix: '1a2b3c4d',
  sha256: '',
  tenant: 'default',
  subject: 'local|lena',
  client: '',
  owner: 'ops',
  kind: 'human',
  scopes: [],
  groups: ['leads'],
  servers: undefined,
  expiresAtSeconds: undefined,
}

const LENA: SignedIn = {
  tenant: 'default',
  issuer: API_KEY_ISSUER,
  subject: 'local|lena',
  name: 'lena',
  kind: 'human',
  groups: ['leads'],
  client: '',
  methods: ['pop'],
  credential: KEY.prefix,
}

/** What becomes of a session under this configuration. */
async function found(who: SignedIn, options: LiveSessionsOptions, nowMs = 0) {
  const clock = { nowMs: 0 }
  const now = (): number => clock.nowMs
  const revocations = { isRevoked: () => false } as unknown as Plant['revocations']
  const store = createMemoryStore({ now })
  const sessions = createLiveSessions({ now, revocations, store }, options)
  const { value } = await sessions.open(who)
  clock.nowMs = nowMs
  return await sessions.find(value)
}

test('a session begun with an API key may what the key may now', async () => {
  assert.deepEqual((await found(LENA, { apiKeys: [KEY] }))?.groups, ['leads'])
  assert.deepEqual((await found(LENA, { apiKeys: [{ ...KEY, groups: [] }] }))?.groups, [])
  const kind = (await found(LENA, { apiKeys: [{ ...KEY, kind: 'agent' }] }))?.kind
  assert.equal(kind, 'agent')
})

test('a session begun with an API key ends with the key', async () => {
  assert.equal(await found(LENA, { apiKeys: [] }), undefined)
  assert.equal(await found(LENA, { apiKeys: [{ ...KEY, prefix: '99999999' }] }), undefined)
  assert.equal(await found(LENA, { apiKeys: [{ ...KEY, subject: 'bob' }] }), undefined)
  assert.equal(await found(LENA, { apiKeys: [{ ...KEY, tenant: 'other' }] }), undefined)
  const apiKeys = [{ ...KEY, expiresAtSeconds: 60 }]
  assert.ok(await found(LENA, { apiKeys }, 59_999))
  assert.equal(await found(LENA, { apiKeys }, 60_000), undefined)
})

test('who shows an API key is nobody to the authorization server, whatever its subject is called', async () => {
  const issuer = 'https://gw.example'
  const options = { apiKeys: [KEY], issuer }
  assert.equal(await found(LENA, options), undefined)
  assert.ok(await found({ ...LENA, issuer, credential: undefined }, options))
})
