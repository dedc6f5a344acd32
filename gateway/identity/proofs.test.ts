/** Tokens bound to a key (RFC 9449): what a proof must say, and that a token is worth nothing without. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import {
  ISSUER,
  protectedServer,
  RESOURCE,
  testIdentity,
  trustedIssuer,
} from '../testkit/identity.ts'
import type { ProofChanges, Prover } from '../testkit/prover.ts'
import { createProver } from '../testkit/prover.ts'
import { createSigner } from '../testkit/signer.ts'

const signer = await createSigner('ES256')
const [prover, other] = await Promise.all([createProver(), createProver('EdDSA')])

/** An identity, a token bound to `holder`, and what presents it with a proof. */
async function setUp(holder: Prover = prover, isNew?: () => Promise<boolean>) {
  const identity = testIdentity({ issuers: [trustedIssuer([signer])], ...(isNew && { isNew }) })
  const { ask, claims, world } = identity
  const token = await signer.sign(claims({ cnf: { jkt: holder.thumbprint } }))
  const { pathname } = new URL(RESOURCE)
  const proofFor = (changes?: ProofChanges, by: Prover = holder): Promise<string> => {
    const nowSeconds = world.nowMs / 1_000
    return by.prove({ token, httpMethod: 'POST', url: RESOURCE, nowSeconds }, changes)
  }
  const present = async (dpop: string | undefined, target = pathname) => {
    const shown = await ask({ authorization: `DPoP ${token}`, dpop, target })
    return typeof shown === 'string' ? shown : shown.subject
  }
  return { ...identity, token, proofFor, present }
}

test('a bound token with its proof is its caller, the first time and the next', async () => {
  for (const holder of [prover, other]) {
    const { present, proofFor, world } = await setUp(holder)
    assert.equal(await present(await proofFor()), 'alice')
    assert.equal(await present(await proofFor()), 'alice')
    const told = { type: 'token_verified', issuer: ISSUER, kind: 'agent' }
    assert.deepEqual(world.events, [
      { ...told, cached: false },
      { ...told, cached: true },
    ])
  }
})

test('a bound token as a bearer token is refused, new and known', async () => {
  const { bearer, token, present, proofFor } = await setUp()
  assert.equal(await bearer(token), 'invalid_token: unproven')
  await present(await proofFor())
  assert.equal(await bearer(token), 'invalid_token: unproven')
})

test('a token that is not bound proves nothing by a proof', async () => {
  const { ask, claims, proofFor } = await setUp()
  const token = await signer.sign(claims())
  const dpop = await proofFor()
  assert.equal(await ask({ authorization: `DPoP ${token}`, dpop }), 'bad_proof: bad_proof')
})

const WRONG: readonly (readonly [what: string, changes: ProofChanges])[] = [
  ['for another path', { claims: { htu: `${RESOURCE}/other` } }],
  ['for another host', { claims: { htu: 'https://other.example/mcp/db' } }],
  ['for a host with a user name', { claims: { htu: RESOURCE.replace('//', '//user@') } }],
  ['for no URL', { claims: { htu: 'mcp' } }],
  ['for another method', { claims: { htm: 'GET' } }],
  ['for the method in another case', { claims: { htm: 'post' } }],
  ['for another token', { claims: { ath: 'x' } }],
  ['without a digest of the token', { claims: { ath: undefined } }],
  ['without a time', { claims: { iat: undefined } }],
  ['with a time that is a text', { claims: { iat: '1800000000' } }],
  ['from five minutes ago', { claims: { iat: 1_800_000_000 - 300 } }],
  ['from 61 seconds ahead', { claims: { iat: 1_800_000_000 + 61 } }],
  ['without a name', { claims: { jti: undefined } }],
  ['with a name too long to keep', { claims: { jti: 'x'.repeat(300) } }],
  ['of another type', { header: { typ: 'JWT' } }],
  ['without a key', { header: { jwk: undefined } }],
  ['with another key than it is signed with', { header: { jwk: other.jwk, alg: 'ES256' } }],
  ['with a private key', { header: { jwk: { ...prover.jwk, d: 'x' } } }],
]

for (const [what, changes] of WRONG) {
  test(`a proof ${what} is refused`, async () => {
    const { present, proofFor } = await setUp()
    assert.equal(await present(await proofFor(changes)), 'bad_proof: bad_proof')
    assert.equal(await present(await proofFor()), 'alice')
  })
}

test('no proof, a proof of another key, and what is no proof are refused', async () => {
  const { present, proofFor, token } = await setUp()
  for (const dpop of [undefined, '', 'x', 'a.b.c', token, await proofFor({}, other)]) {
    assert.equal(await present(dpop), 'bad_proof: bad_proof')
  }
})

test('a proof counts once, and its name may be used by another key', async () => {
  const seen = new Set<string>()
  const isNew = (text = '') => Promise.resolve(!seen.has(text) && seen.add(text).has(text))
  const [first, second] = [await setUp(prover, isNew), await setUp(other, isNew)]
  const claims = { jti: 'one' }
  const proof = await first.proofFor({ claims })
  assert.equal(await first.present(proof), 'alice')
  assert.equal(await first.present(proof), 'bad_proof: bad_proof')
  assert.equal(await second.present(await second.proofFor({ claims })), 'alice')
})

test('a proof that is wrong is not kept, and one whose repetition cannot be told is not believed', async () => {
  let asked = 0
  const { present, proofFor } = await setUp(prover, () => {
    asked += 1
    return Promise.reject(new Error('the store is away'))
  })
  assert.equal(await present(await proofFor({ claims: { htm: 'GET' } })), 'bad_proof: bad_proof')
  assert.equal(asked, 0)
  assert.equal(await present(await proofFor()), 'keys_unavailable: replay_unknown')
})

test('a proof for which there is no room is not noted, and one that came before takes none', async () => {
  const noted: string[] = []
  const room = { taken: 0, most: 2 }
  const { ask, claims, world } = testIdentity({
    issuers: [trustedIssuer([signer])],
    isNew: async (text) => !noted.includes(text) && noted.push(text) > 0,
    makeRoom: ({ subject }) => {
      if (room.taken >= room.most) throw new Refusal('rate_limited', { detail: subject })
      room.taken += 1
      return () => void (room.taken -= 1)
    },
  })
  const token = await signer.sign(claims({ cnf: { jkt: prover.thumbprint } }))
  const { pathname } = new URL(RESOURCE)
  const prove = async (changes?: ProofChanges) => {
    const request = { token, httpMethod: 'POST', url: RESOURCE, nowSeconds: world.nowMs / 1_000 }
    return await prover.prove(request, changes)
  }
  const present = async (dpop: string) =>
    await ask({ authorization: `DPoP ${token}`, dpop, target: pathname })
  const first = await prove()
  for (const text of [first, first, first, await prove({ claims: { htm: 'GET' } })]) {
    await present(text)
  }
  assert.equal(room.taken, 1)
  assert.equal(typeof (await present(await prove())), 'object')
  assert.equal(await present(await prove()), 'rate_limited: alice')
  assert.equal(noted.length, 2)
})

test('a query in the address is no part of what is proven', async () => {
  const { present, proofFor } = await setUp()
  const { pathname } = new URL(RESOURCE)
  assert.equal(await present(await proofFor(), `${pathname}?a=1`), 'alice')
  assert.equal(await present(await proofFor({ claims: { htu: `${RESOURCE}?a=1#f` } })), 'alice')
})

test('a bound token is refused on a server it is not meant for, whatever it proves', async () => {
  const { ask, token, proofFor } = await setUp()
  const elsewhere = protectedServer({ audiences: ['https://gw.example/mcp/other'] })
  const dpop = await proofFor()
  assert.equal(
    await ask({ authorization: `DPoP ${token}`, dpop }, elsewhere),
    'invalid_token: wrong_audience',
  )
})
