/** Whether the open stream of a caller may go on after what was configured, or what it came with, changed. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'

import type { Caller } from '../model/caller.ts'
import {
  ISSUER,
  protectedServer,
  testIdentity,
  testWorld,
  trustedIssuer,
} from '../testkit/identity.ts'
import { createSigner } from '../testkit/signer.ts'
import type { TestIdentity } from '../testkit/identity.ts'
import type { TrustedIssuer } from './trust.ts'
import { ANONYMOUS } from './anonymous.ts'
import { newApiKey } from './api-keys.ts'
import { REFRESH_AGE_MS } from './issuer-keys.ts'

const [signer, rotated] = await Promise.all([
  createSigner('ES256', 'key-1'),
  createSigner('ES256', 'key-2'),
])
const SERVER = protectedServer()

async function callerOf({ bearer, claims }: TestIdentity, more: object = {}): Promise<Caller> {
  const caller = await bearer(await signer.sign(claims(more)))
  assert.ok(typeof caller !== 'string')
  return caller
}

test('a stream may go on until its token ends, give or take the leeway', async () => {
  const { identify, world, ...rest } = testIdentity({ issuers: [trustedIssuer([signer])] })
  const caller = await callerOf({ identify, world, ...rest })
  world.nowMs = (caller.expiresAtSeconds + 30) * 1000 - 1
  assert.ok(identify.stillValid(caller, SERVER))
  world.nowMs += 1
  assert.ok(!identify.stillValid(caller, SERVER))
})

test('a stream may not go on once its caller is revoked', async () => {
  const all = testIdentity({ issuers: [trustedIssuer([signer])] })
  const caller = await callerOf(all)
  assert.ok(all.identify.stillValid(caller, SERVER))
  all.world.isRevoked = () => true
  all.world.epoch += 1
  assert.ok(!all.identify.stillValid(caller, SERVER))
})

test('a stream goes on while revocations are stale, and ends when they are lost', async () => {
  const all = testIdentity({ issuers: [trustedIssuer([signer])] })
  const caller = await callerOf(all, { exp: all.world.nowMs / 1000 + 3600 })
  Object.assign(all.world, { staleness: 'stale', epoch: 2 })
  assert.ok(all.identify.stillValid(caller, SERVER))
  Object.assign(all.world, { staleness: 'lost', epoch: 3 })
  assert.ok(!all.identify.stillValid(caller, SERVER))
})

test('a stream may not go on when its server wants other tokens now', async () => {
  const all = testIdentity({ issuers: [trustedIssuer([signer])] })
  const caller = await callerOf(all)
  const may = (server: Parameters<typeof protectedServer>[0]) =>
    all.identify.stillValid(caller, protectedServer(server))
  assert.ok(may({ issuers: [ISSUER] }))
  assert.ok(!may({ issuers: ['https://another.example'] }))
  assert.ok(!may({ audiences: ['https://another.example'] }))
})

const reloads: readonly {
  readonly name: string
  readonly issuers: readonly TrustedIssuer[]
  readonly may: boolean
}[] = [
  { name: 'that changes nothing', issuers: [trustedIssuer([signer])], may: true },
  { name: 'without its issuer', issuers: [], may: false },
  { name: 'with other keys', issuers: [trustedIssuer([rotated])], may: false },
  {
    name: 'that reads tokens otherwise',
    issuers: [trustedIssuer([signer], { kind: 'human' })],
    may: false,
  },
]
for (const { name, issuers, may } of reloads) {
  test(`the stream of a token ${may ? 'may' : 'may not'} go on after a reload ${name}`, async () => {
    const before = testIdentity({ issuers: [trustedIssuer([signer])] })
    const caller = await callerOf(before)
    const { handover } = before.identify
    const { identify } = testIdentity({ issuers, handover, world: before.world })
    assert.equal(identify.stillValid(caller, SERVER), may)
  })
}

test('a stream may not go on once a key of its issuer is withdrawn', async () => {
  let keys = [signer.jwk, rotated.jwk]
  const all = testIdentity({
    issuers: [trustedIssuer([], { jwks: { kind: 'url', url: 'https://idp.example/jwks' } })],
    fetchJson: async () => ({ keys }),
  })
  const { bearer, claims, identify, world } = all
  const exp = world.nowMs / 1000 + 3_600
  const caller = await bearer(await signer.sign(claims({ exp })))
  assert.ok(typeof caller !== 'string')
  keys = [rotated.jwk]
  world.nowMs += REFRESH_AGE_MS
  assert.ok(identify.stillValid(caller, SERVER))
  await identify.refreshKeys()
  assert.ok(!identify.stillValid(caller, SERVER))
})

const key = newApiKey((size) => Buffer.alloc(size, 7))
const ENTRY = {
  prefix: key.prefix,
  sha256: key.sha256,
  tenant: 'default',
  subject: 's',
  client: 'c',
  owner: 'o',
  kind: 'service',
  scopes: [],
  groups: [],
  servers: undefined,
  expiresAtSeconds: undefined,
} as const
const KEYS: readonly { readonly name: string; readonly change: object; readonly may: boolean }[] = [
  { name: 'as it was', change: {}, may: true },
  { name: 'for this server', change: { servers: ['db'] }, may: true },
  { name: 'in another group', change: { groups: ['ops'] }, may: true },
  { name: 'for another server', change: { servers: ['files'] }, may: false },
  { name: 'with another hash', change: { sha256: hash('sha256', 'another') }, may: false },
  { name: 'under another prefix', change: { prefix: 'another0' }, may: false },
  { name: 'that has ended', change: { expiresAtSeconds: 1_000 }, may: false },
]
for (const { name, change, may } of KEYS) {
  test(`the stream of an API key ${may ? 'may' : 'may not'} go on after a reload with the key ${name}`, async () => {
    const world = testWorld()
    const before = testIdentity({ apiKeys: [ENTRY], world })
    const caller = await before.ask({ apiKey: key.text })
    assert.ok(typeof caller !== 'string')
    assert.ok(before.identify.stillValid(caller, SERVER))
    // Twice: what is handed over is handed on.
    const { handover } = testIdentity({ world, handover: before.identify.handover }).identify
    const { identify } = testIdentity({ apiKeys: [{ ...ENTRY, ...change }], world, handover })
    assert.equal(identify.stillValid(caller, SERVER), may)
  })
}

test('the anonymous caller may go on where a server serves it, and nowhere else', () => {
  const { identify } = testIdentity()
  assert.ok(identify.stillValid(ANONYMOUS, protectedServer({ anonymous: true })))
  assert.ok(!identify.stillValid(ANONYMOUS, protectedServer()))
})
