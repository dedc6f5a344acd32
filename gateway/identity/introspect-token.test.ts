/** Tokens whose issuer is asked what they are (RFC 7662, T-15). */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { protectedServer, RESOURCE, testIdentity, trustedIssuer } from '../testkit/identity.ts'
import { createSigner } from '../testkit/signer.ts'
import type { Introspect } from '../model/introspection.ts'

const signer = await createSigner('ES256')
const client = { id: 'gatehouse', secret: undefined, auth: 'none' } as const
const introspection = {
  endpoint: { url: 'https://idp.example/introspect', client },
  maxAgeMs: 30_000,
}
const MEMBERS = { active: true, sub: 'alice', aud: RESOURCE, client_id: 'agent-a', scope: 'read' }

/** An identity with one issuer to ask, which answers with what stands in `world.says`. */
function setUp(more: Parameters<typeof trustedIssuer>[1] = {}) {
  const asked: string[] = []
  const says: { answer: Awaited<ReturnType<Introspect>> } = {
    answer: { kind: 'active', members: MEMBERS },
  }
  const identity = testIdentity({
    issuers: [trustedIssuer([signer], { introspection, ...more })],
    introspect: (endpoint, token) => {
      assert.equal(endpoint, introspection.endpoint)
      asked.push(token)
      return Promise.resolve(says.answer)
    },
  })
  const active = (members: object): void => {
    says.answer = { kind: 'active', members: { ...MEMBERS, ...members } }
  }
  return { ...identity, asked, says, active }
}

test('an opaque token is asked about once, and again when the answer is 30 seconds old', async () => {
  const { bearer, asked, world } = setUp()
  const caller = await bearer('opaque')
  assert.ok(typeof caller !== 'string')
  assert.deepEqual(
    [caller.subject, caller.client, caller.kind, [...caller.scopes]],
    ['alice', 'agent-a', 'agent', ['read']],
  )
  world.nowMs += 29_999
  assert.equal(await bearer('opaque'), caller)
  assert.equal(asked.length, 1)
  world.nowMs += 1
  assert.ok(typeof (await bearer('opaque')) !== 'string')
  assert.deepEqual(asked, ['opaque', 'opaque'])
})

test('a JWT is checked with the keys where there are keys, and asked about where there are none', async () => {
  for (const [jwks, times] of [
    [undefined, 0],
    [{ kind: 'none' }, 1],
  ] as const) {
    const { bearer, claims, asked } = setUp(jwks === undefined ? {} : { jwks })
    assert.ok(typeof (await bearer(await signer.sign(claims()))) !== 'string')
    assert.equal(asked.length, times)
  }
})

test('a token that is not active is refused, and asked about again after five seconds', async () => {
  const { bearer, says, asked, world } = setUp()
  says.answer = { kind: 'inactive' }
  assert.equal(await bearer('opaque'), 'invalid_token: inactive')
  assert.equal(await bearer('opaque'), 'invalid_token: inactive')
  assert.equal(asked.length, 1)
  world.nowMs += 5_000
  await bearer('opaque')
  assert.equal(asked.length, 2)
})

test('while nobody can be asked a new token is refused for now, and asked about at the next try', async () => {
  const { bearer, says, active } = setUp()
  says.answer = { kind: 'unavailable', detail: 'timeout' }
  assert.equal(await bearer('opaque'), 'keys_unavailable: introspection_unavailable')
  active({})
  assert.ok(typeof (await bearer('opaque')) !== 'string')
})

const UNFIT: readonly (readonly [members: object, reason: string])[] = [
  [{ aud: undefined }, 'wrong_audience'],
  [{ aud: 'https://gw.example/mcp/other' }, 'wrong_audience'],
  [{ aud: [RESOURCE, 'https://gw.example/mcp/other'] }, 'wrong_audience'],
  [{ sub: 7 }, 'bad_claim'],
  [{ client_id: undefined }, 'bad_claim'],
  [{ iss: 'https://other.example' }, 'unknown_issuer'],
  [{ exp: 1_800_000_000 - 31 }, 'expired'],
  [{ exp: 1_800_000_000 + 86_401 }, 'bad_claim'],
  [{ exp: 'never' }, 'bad_claim'],
  [{ nbf: 1_800_000_000 + 31 }, 'not_yet_valid'],
  [{ cnf: { x5t: 'x' } }, 'bad_claim'],
  [{ cnf: { 'x5t#S256': 'x' } }, 'unproven'],
  [{ cnf: { jkt: 'x' } }, 'unproven'],
]

for (const [members, reason] of UNFIT) {
  test(`an active token with ${JSON.stringify(members)} is refused: ${reason}`, async () => {
    const { bearer, active } = setUp()
    active(members)
    assert.equal(await bearer('opaque'), `invalid_token: ${reason}`)
  })
}

test('a token that a client got for itself need not say so', async () => {
  const { bearer, active } = setUp({ interactive: true })
  active({ sub: undefined })
  const caller = await bearer('opaque')
  assert.ok(typeof caller !== 'string')
  assert.deepEqual([caller.subject, caller.interactive], ['agent-a', false])
})

test('a token is not kept for longer than it lives', async () => {
  const { bearer, active, world, asked } = setUp()
  active({ exp: world.nowMs / 1_000 - 25 })
  assert.ok(typeof (await bearer('opaque')) !== 'string')
  world.nowMs += 5_000
  assert.equal(await bearer('opaque'), 'invalid_token: expired')
  assert.equal(asked.length, 2)
})

const SERVER = protectedServer()
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

test('a stream goes on as long as its issuer says so, and asks in time', async () => {
  const { bearer, identify, world, asked } = setUp()
  const caller = await bearer('opaque')
  assert.ok(typeof caller !== 'string')
  for (let second = 0; second < 100; second += 1) {
    assert.equal(identify.stillValid(caller, SERVER), true, `after ${second} seconds`)
    world.nowMs += 1_000
    await turn()
  }
  assert.ok(asked.length >= 4 && asked.length <= 6, String(asked.length))
})

for (const [what, answer] of [
  ['says no', { kind: 'inactive' }],
  ['cannot be asked', { kind: 'unavailable', detail: 'timeout' }],
  ['says something else', { kind: 'active', members: { ...MEMBERS, scope: 'read write' } }],
] as const) {
  test(`a stream ends within 30 seconds when its issuer ${what}`, async () => {
    const { bearer, identify, world, says } = setUp()
    const caller = await bearer('opaque')
    assert.ok(typeof caller !== 'string')
    says.answer = answer
    let seconds = 0
    for (; identify.stillValid(caller, SERVER); seconds += 1) {
      assert.ok(seconds < 31)
      world.nowMs += 1_000
      await turn()
    }
    assert.equal(seconds, 30)
  })
}
