import assert from 'node:assert/strict'
import { test } from 'node:test'

import { temporaryKey } from '../seal/seal.ts'
import { createEnvelopes, type Place } from './envelope.ts'

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

test('What is sealed opens at its place, and nothing of it can be read', () => {
  const envelopes = createEnvelopes([one])
  const sealed = envelopes.seal(ALICE, 'the tokens')
  assert.equal(envelopes.open(ALICE, sealed), 'the tokens')
  assert.ok(!JSON.stringify(sealed).includes('tokens'))
  assert.deepEqual([sealed.v, sealed.kid], [1, 'k1'])
  assert.notEqual(envelopes.seal(ALICE, 'the tokens').blob, sealed.blob)
})

for (const part of Object.keys(ALICE) as (keyof Place)[]) {
  test(`A row moved to another ${part} does not open (C-09)`, () => {
    const envelopes = createEnvelopes([one])
    const sealed = envelopes.seal(ALICE, 'the tokens')
    assert.equal(envelopes.open({ ...ALICE, [part]: `${ALICE[part]}x` }, sealed), undefined)
  })
}

test('Places whose parts run together alike are different places', () => {
  const envelopes = createEnvelopes([one])
  const sealed = envelopes.seal({ ...ALICE, issuer: 'a|1:b', subject: 'c' }, 'the tokens')
  assert.equal(envelopes.open({ ...ALICE, issuer: 'a', subject: '1:b|c' }, sealed), undefined)
})

test('A changed byte anywhere makes a row unreadable, as does half a row', () => {
  const envelopes = createEnvelopes([one])
  const sealed = envelopes.seal(ALICE, 'the tokens')
  for (const part of ['dek', 'blob'] as const) {
    const bytes = Buffer.from(sealed[part], 'base64url')
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      const other = { ...sealed, [part]: changed.toString('base64url') }
      assert.equal(envelopes.open(ALICE, other), undefined)
    }
    const half = { ...sealed, [part]: sealed[part].slice(0, sealed[part].length / 2) }
    assert.equal(envelopes.open(ALICE, half), undefined)
  }
})

test('After a rotation old rows open, are sealed anew without their secrets being touched, and the old key can go', () => {
  const sealed = createEnvelopes([one]).seal(ALICE, 'the tokens')
  const both = createEnvelopes([two, one])
  assert.equal(both.open(ALICE, sealed), 'the tokens')
  const anew = both.rewrap(ALICE, sealed)
  assert.ok(anew)
  assert.deepEqual([anew.kid, anew.blob], ['k2', sealed.blob])
  assert.equal(both.rewrap(ALICE, anew), anew)
  const alone = createEnvelopes([two])
  assert.equal(alone.open(ALICE, anew), 'the tokens')
  assert.equal(alone.open(ALICE, sealed), undefined)
  assert.equal(alone.rewrap(ALICE, sealed), undefined)
})

test('A row is of the key it names: naming another one does not open it', () => {
  const envelopes = createEnvelopes([one, two])
  const sealed = envelopes.seal(ALICE, 'the tokens')
  assert.equal(envelopes.open(ALICE, { ...sealed, kid: 'k2' }), undefined)
})
