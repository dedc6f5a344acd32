import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { RingKey } from '../model/ring-key.ts'
import { temporaryKey } from '../seal/seal.ts'
import { createEnvelopes, type Envelope, type Envelopes, type Place } from './envelope.ts'
import { createRingWrap } from './key-wrap.ts'

const ALICE: Place = {
  tenant: 'default',
  issuer: 'https://idp.example',
  subject: 'alice',
  provider: 'google',
  connection: 'default',
}
const [one, two] = [
  { ...temporaryKey(), id: 'k1' },
  { ...temporaryKey(), id: 'k2' },
]

function envelopesOf(...ring: RingKey[]): Envelopes {
  return createEnvelopes([createRingWrap(ring)])
}

async function textOf(envelopes: Envelopes, place: Place, sealed: Envelope) {
  return (await envelopes.open(place, sealed))?.text
}

test('What is sealed opens at its place, and nothing of it can be read', async () => {
  const envelopes = envelopesOf(one)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  assert.equal(await textOf(envelopes, ALICE, sealed), 'the tokens')
  assert.ok(!JSON.stringify(sealed).includes('tokens'))
  assert.deepEqual([sealed.v, sealed.kid], [1, 'k1'])
  assert.notEqual((await envelopes.seal(ALICE, 'the tokens')).blob, sealed.blob)
})

for (const part of Object.keys(ALICE) as (keyof Place)[]) {
  test(`A row moved to another ${part} does not open (C-09)`, async () => {
    const envelopes = envelopesOf(one)
    const sealed = await envelopes.seal(ALICE, 'the tokens')
    const elsewhere = { ...ALICE, [part]: `${ALICE[part]}x` }
    assert.equal(await envelopes.open(elsewhere, sealed), undefined)
  })
}

test('Places whose parts run together alike are different places', async () => {
  const envelopes = envelopesOf(one)
  const sealed = await envelopes.seal({ ...ALICE, issuer: 'a|1:b', subject: 'c' }, 'the tokens')
  assert.equal(await envelopes.open({ ...ALICE, issuer: 'a', subject: '1:b|c' }, sealed), undefined)
})

test('A changed byte anywhere makes a row unreadable, as does half a row', async () => {
  const envelopes = envelopesOf(one)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  for (const part of ['dek', 'blob'] as const) {
    const bytes = Buffer.from(sealed[part], 'base64url')
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      const other = { ...sealed, [part]: changed.toString('base64url') }
      assert.equal(await envelopes.open(ALICE, other), undefined)
    }
    const half = { ...sealed, [part]: sealed[part].slice(0, sealed[part].length / 2) }
    assert.equal(await envelopes.open(ALICE, half), undefined)
  }
})

test('After a rotation old rows open, are sealed anew without their secrets being touched, and the old key can go', async () => {
  const sealed = await envelopesOf(one).seal(ALICE, 'the tokens')
  const both = envelopesOf(two, one)
  assert.equal(await textOf(both, ALICE, sealed), 'the tokens')
  const anew = await both.rewrap(ALICE, sealed)
  assert.ok(anew)
  assert.deepEqual([anew.kid, anew.blob], ['k2', sealed.blob])
  assert.equal(await both.rewrap(ALICE, anew), anew)
  const alone = envelopesOf(two)
  assert.equal(await textOf(alone, ALICE, anew), 'the tokens')
  assert.equal(await alone.open(ALICE, sealed), undefined)
  assert.equal(await alone.rewrap(ALICE, sealed), undefined)
})

test('A row is of the key it names: naming another one does not open it', async () => {
  const envelopes = envelopesOf(one, two)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  assert.equal(await envelopes.open(ALICE, { ...sealed, kid: 'k2' }), undefined)
})

test('Other tokens of a row are sealed with its own key, and open at its place alone', async () => {
  const envelopes = envelopesOf(one)
  const sealed = await envelopes.seal(ALICE, 'the tokens')
  const opened = await envelopes.open(ALICE, sealed)
  const next = await opened?.reseal('newer ones')
  assert.ok(next)
  assert.equal(next.dek, sealed.dek)
  assert.equal(await textOf(envelopes, ALICE, next), 'newer ones')
  assert.equal(await envelopes.open({ ...ALICE, subject: 'bob' }, next), undefined)
})
