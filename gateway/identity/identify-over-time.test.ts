/** What changes after a token was verified: revocations, keys, configuration, load. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import {
  ISSUER,
  presenting,
  protectedServer,
  testIdentity,
  testWorld,
  trustedIssuer,
} from '../testkit/identity.ts'
import { createSigner } from '../testkit/signer.ts'
import { FAILURE_BURST, MAX_AT_ONCE } from './flood-gate.ts'
import { MAX_AGE_MS, REFRESH_AGE_MS } from './issuer-keys.ts'
import { MIN_INTERVAL_MS } from './key-documents.ts'

const [signer, rotated] = await Promise.all([
  createSigner('ES256', 'key-1'),
  createSigner('ES256', 'key-2'),
])
const oneIssuer = () => testIdentity({ issuers: [trustedIssuer([signer])] })
const BY_URL = { jwks: { kind: 'url', url: 'https://idp.example/jwks' } } as const

function isCaller(answer: Caller | string): answer is Caller {
  return typeof answer !== 'string'
}

// T-09

test('a revoked token is refused from the next request on, by its verified values', async () => {
  const { bearer, claims, world } = oneIssuer()
  const token = await signer.sign(claims({ jti: 'stolen' }))
  const other = await signer.sign(claims({ jti: 'fine' }))
  assert.ok(isCaller(await bearer(token)) && isCaller(await bearer(other)))
  world.isRevoked = ({ tokenId }) => tokenId === 'stolen'
  world.epoch += 1
  assert.equal(await bearer(token), 'invalid_token: revoked')
  assert.ok(isCaller(await bearer(other)))
  const again = await signer.sign(claims({ jti: 'stolen', extra: 1 }))
  assert.equal(await bearer(again), 'invalid_token: revoked', 'another text, the same jti')
})

test('the revocation list is asked once per token and epoch, not once per request', async () => {
  const { bearer, claims, world } = oneIssuer()
  const token = await signer.sign(claims())
  for (let at = 0; at < 10; at += 1) await bearer(token)
  assert.equal(world.asked, 1)
  world.epoch += 1
  for (let at = 0; at < 10; at += 1) await bearer(token)
  assert.equal(world.asked, 2)
})

test('a token revoked while it is being verified is refused', async () => {
  const { bearer, claims, world } = oneIssuer()
  const answer = bearer(await signer.sign(claims()))
  world.isRevoked = () => true
  world.epoch += 1
  assert.equal(await answer, 'invalid_token: revoked')
})

test('a token whose key was withdrawn is refused once the keys are fetched again', async () => {
  let keys = [signer.jwk, rotated.jwk]
  const { identify, bearer, claims, world } = testIdentity({
    issuers: [trustedIssuer([], BY_URL)],
    fetchJson: async () => ({ keys }),
  })
  const exp = world.nowMs / 1000 + 3_600
  const [old, young] = [await signer.sign(claims({ exp })), await rotated.sign(claims({ exp }))]
  assert.ok(isCaller(await bearer(old)) && isCaller(await bearer(young)))
  keys = [rotated.jwk]
  world.nowMs += REFRESH_AGE_MS
  await identify.refreshKeys()
  assert.equal(await bearer(old), 'invalid_token: unknown_key')
  assert.ok(isCaller(await bearer(young)))
})

test('a token signed with a new key is served as soon as the key is published', async () => {
  let keys = [signer.jwk]
  const { bearer, claims, world } = testIdentity({
    issuers: [trustedIssuer([], BY_URL)],
    fetchJson: async () => ({ keys }),
  })
  assert.ok(isCaller(await bearer(await signer.sign(claims()))))
  keys = [signer.jwk, rotated.jwk]
  world.nowMs += MIN_INTERVAL_MS
  assert.ok(isCaller(await bearer(await rotated.sign(claims()))))
})

test('without any keys a token is neither served nor called wrong, and is tried again', async () => {
  let isUp = false
  const { bearer, claims, world } = testIdentity({
    issuers: [trustedIssuer([], BY_URL)],
    fetchJson: async () => (isUp ? { keys: [signer.jwk] } : Promise.reject(new Error('down'))),
  })
  const token = await signer.sign(claims({ exp: world.nowMs / 1000 + 3_600 }))
  assert.equal(await bearer(token), 'keys_unavailable: keys_unavailable')
  isUp = true
  world.nowMs += MIN_INTERVAL_MS
  assert.ok(isCaller(await bearer(token)))
  isUp = false
  world.nowMs += MAX_AGE_MS
  assert.ok(isCaller(await bearer(token)), 'a known token needs no keys')
})

test('an issuer that is down is not charged to the addresses of its callers', async () => {
  const { bearer, claims } = testIdentity({ issuers: [trustedIssuer([], BY_URL)] })
  for (let at = 0; at <= FAILURE_BURST; at += 1) {
    const token = await signer.sign(claims({ jti: `t${at}` }))
    assert.equal(await bearer(token), 'keys_unavailable: keys_unavailable')
  }
})

// D-08

test('10,000 signed tokens with made-up key ids cause one fetch in 30 seconds', async () => {
  let fetches = 0
  const { ask, claims, world } = testIdentity({
    issuers: [trustedIssuer([], BY_URL)],
    fetchJson: async () => {
      fetches += 1
      return { keys: [signer.jwk] }
    },
  })
  const [, payload, signature] = (await signer.sign(claims())).split('.')
  for (let at = 0; at < 10_000; at += 1) {
    const head = JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: `made-up-${at}` })
    const token = `${Buffer.from(head).toString('base64url')}.${payload}.${signature}`
    const presented = { authorization: `Bearer ${token}`, address: `10.0.${at >> 8}.${at & 255}` }
    assert.equal(await ask(presented), 'invalid_token: unknown_key')
    world.nowMs += 1
  }
  assert.equal(fetches, 1)
})

// The budget of step 2

test('a token refused a moment ago is refused again without verification or charge', async () => {
  const { bearer, claims, world } = oneIssuer()
  const bad = await signer.sign(claims({ aud: undefined }))
  for (let at = 0; at < 1_000; at += 1) {
    assert.equal(await bearer(bad), 'invalid_token: wrong_audience')
  }
  assert.ok(isCaller(await bearer(await signer.sign(claims()))), 'the address is not flooded')
  assert.equal(world.events.filter(({ type }) => type === 'token_refused').length, 1_000)
})

test('after 100 failures an address is asked to wait, known tokens and other addresses are not', async () => {
  const { ask, bearer, claims, world } = oneIssuer()
  const known = await signer.sign(claims({ jti: 'known' }))
  assert.ok(isCaller(await bearer(known)))
  for (let at = 0; at < FAILURE_BURST; at += 1) {
    assert.equal(await bearer(`bad-${at}`), 'invalid_token: malformed')
  }
  const fresh = await signer.sign(claims({ jti: 'fresh' }))
  assert.equal(await bearer(fresh), 'overloaded: flooded')
  assert.equal(await bearer('bad'), 'overloaded: flooded')
  assert.equal(await ask({ apiKey: 'x' }), 'overloaded: flooded')
  assert.ok(isCaller(await bearer(known)))
  const elsewhere = { authorization: `Bearer ${fresh}`, address: '192.0.2.2' }
  assert.ok(isCaller(await ask(elsewhere)))
  assert.deepEqual(world.events.at(-2), {
    type: 'token_verified',
    issuer: ISSUER,
    kind: 'agent',
    cached: true,
  })
  world.nowMs += 50
  assert.ok(isCaller(await bearer(await signer.sign(claims({ jti: 'later' })))))
})

test('an overloaded answer says when to come back', async () => {
  const { identify, bearer } = oneIssuer()
  for (let at = 0; at < FAILURE_BURST; at += 1) await bearer(`bad-${at}`)
  const presented = presenting({ authorization: 'Bearer bad' })
  await assert.rejects(async () => identify(presented, protectedServer()), {
    code: 'overloaded',
    extra: { detail: 'flooded', retryAfterSeconds: 1 },
  })
})

test('64 new tokens are verified at once and the rest asked to come back', async () => {
  const { ask, claims } = oneIssuer()
  const tokens = await Promise.all(
    Array.from({ length: MAX_AT_ONCE + 36 }, (_, at) => signer.sign(claims({ jti: `t${at}` }))),
  )
  const present = (token: string, at: number) =>
    ask({ authorization: `Bearer ${token}`, address: `192.0.2.${at}` })
  const answers = await Promise.all(tokens.map(present))
  assert.equal(answers.filter(isCaller).length, MAX_AT_ONCE)
  assert.equal(answers.filter((answer) => answer === 'overloaded: flooded').length, 36)
  assert.ok((await Promise.all(tokens.slice(-36).map(present))).every(isCaller), 'places come back')
})

test('failed verifications give their places back too', async () => {
  const { ask, bearer, claims } = oneIssuer()
  for (let round = 0; round < 3; round += 1) {
    const bad = Array.from({ length: MAX_AT_ONCE }, (_, at) =>
      ask({ authorization: `Bearer bad-${round}-${at}`, address: `192.0.2.${at}` }),
    )
    assert.deepEqual(new Set(await Promise.all(bad)), new Set(['invalid_token: malformed']))
  }
  assert.ok(isCaller(await bearer(await signer.sign(claims()))))
})

// Reload

test('a reload takes over verified tokens and fetched keys', async () => {
  const world = testWorld()
  let fetches = 0
  const options = {
    world,
    issuers: [trustedIssuer([], BY_URL)],
    fetchJson: async () => {
      fetches += 1
      return { keys: [signer.jwk] }
    },
  }
  const before = testIdentity(options)
  const token = await signer.sign(before.claims())
  const caller = await before.bearer(token)
  assert.ok(isCaller(caller))
  const after = testIdentity({
    ...options,
    issuers: [trustedIssuer([], BY_URL)],
    handover: before.identify.handover,
  })
  assert.equal(await after.bearer(token), caller)
  assert.ok(isCaller(await after.bearer(await signer.sign(after.claims({ jti: 'new' })))))
  assert.equal(fetches, 1)
})

const CHANGES = [
  ['its issuer is removed', [], 'invalid_token: unknown_issuer'],
  [
    'its algorithm is removed',
    [trustedIssuer([signer], { algorithms: ['RS256'] })],
    'invalid_token: bad_signature',
  ],
  [
    'its type is removed',
    [trustedIssuer([signer], { types: ['jwt'] })],
    'invalid_token: wrong_type',
  ],
  ['its key is exchanged', [trustedIssuer([rotated])], 'invalid_token: unknown_key'],
] as const

for (const [what, issuers, answer] of CHANGES) {
  test(`a reload refuses a known token when ${what}`, async () => {
    const before = oneIssuer()
    const token = await signer.sign(before.claims())
    assert.ok(isCaller(await before.bearer(token)))
    const { world, identify } = before
    const after = testIdentity({ world, issuers, handover: identify.handover })
    assert.equal(await after.bearer(token), answer)
  })
}

test('a reload reads a known token anew when its claims are mapped otherwise', async () => {
  const before = oneIssuer()
  const token = await signer.sign(before.claims())
  assert.ok(isCaller(await before.bearer(token)))
  const issuers = [trustedIssuer([signer], { clients: new Map([['agent-a', 'service']]) })]
  const { world, identify } = before
  const caller = await testIdentity({ world, issuers, handover: identify.handover }).bearer(token)
  assert.ok(isCaller(caller))
  assert.equal(caller.kind, 'service')
})

test('a reload reads a known token anew when a scope includes less or more', async () => {
  const including = [trustedIssuer([signer], { scopeIncludes: new Map([['write', ['read']]]) })]
  const before = testIdentity({ issuers: including })
  const token = await signer.sign(before.claims({ scope: 'write' }))
  const wide = await before.bearer(token)
  assert.ok(isCaller(wide) && wide.scopes.has('read'))
  const { world, identify } = before
  const issuers = [trustedIssuer([signer])]
  const narrow = await testIdentity({ world, issuers, handover: identify.handover }).bearer(token)
  assert.ok(isCaller(narrow) && !narrow.scopes.has('read'))
})

test('a reload reads key files again, and refuses known tokens of a key that is there no more', async () => {
  let keys = [signer.jwk, rotated.jwk]
  const world = testWorld()
  const options = {
    world,
    issuers: [trustedIssuer([], { jwks: { kind: 'file', file: '/etc/jwks.json' } })],
    readFile: async () => JSON.stringify({ keys }),
  }
  const before = testIdentity(options)
  const [old, young] = [await signer.sign(before.claims()), await rotated.sign(before.claims())]
  assert.ok(isCaller(await before.bearer(old)) && isCaller(await before.bearer(young)))
  keys = [rotated.jwk]
  const after = testIdentity({ ...options, handover: before.identify.handover })
  await after.identify.refreshKeys()
  assert.equal(await after.bearer(old), 'invalid_token: unknown_key')
  assert.ok(isCaller(await after.bearer(young)))
})
