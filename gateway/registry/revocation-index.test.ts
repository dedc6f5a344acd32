import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import type { RevocationKind } from '../model/event.ts'
import { callerWith } from '../testkit/revocations-world.ts'
import type { Revocation, RevokeRequest } from './revocation.ts'
import { draftRevocation } from './revocation.ts'
import { createRevocationIndex } from './revocation-index.ts'

const NOW_SECONDS = 1_800_000_000

const CALLER = callerWith({
  tokenId: 'jti-1',
  grant: 'grant-1',
  session: 'session-1',
  issuedAtSeconds: NOW_SECONDS - 60,
  expiresAtSeconds: NOW_SECONDS + 240,
})

function entry(request: Omit<RevokeRequest, 'by'>): Revocation {
  return draftRevocation({ ...request, by: 'test' }, NOW_SECONDS, {})
}

function names(caller: Caller, ...requests: readonly Omit<RevokeRequest, 'by'>[]): boolean {
  const index = createRevocationIndex()
  for (const request of requests) index.set(entry(request))
  return index.names(caller)
}

const { issuer } = CALLER

test('nobody is revoked by an empty list', () => {
  assert.equal(names(CALLER), false)
})

const OWN: readonly { readonly kind: RevocationKind; readonly value: string }[] = [
  { kind: 'token', value: 'jti-1' },
  { kind: 'grant', value: 'grant-1' },
  { kind: 'session', value: 'session-1' },
  { kind: 'client', value: 'app-1' },
  { kind: 'subject', value: 'user-1' },
]

for (const { kind, value } of OWN) {
  test(`a revoked ${kind} ends its callers`, () => {
    assert.equal(names(CALLER, { kind, issuer, value }), true)
  })

  test(`a revoked ${kind} ends no other callers`, () => {
    assert.equal(names(CALLER, { kind, issuer, value: `${value}0` }), false)
    assert.equal(names(CALLER, { kind, issuer: 'https://other.example', value }), false)
    assert.equal(names(CALLER, { kind, issuer, value: '' }), false)
    for (const other of OWN) {
      if (other.kind !== kind) assert.equal(names(CALLER, { ...other, issuer, value }), false)
    }
  })
}

test('whoever acted in between is revoked with all that was exchanged since', () => {
  const caller = {
    ...CALLER,
    actors: [
      { issuer, subject: 'agent-c' },
      { issuer, subject: 'agent-b' },
    ],
  }
  assert.equal(names(caller, { kind: 'client', issuer, value: 'agent-b' }), true)
  assert.equal(names(caller, { kind: 'client', value: 'agent-b' }), true)
  assert.equal(names(caller, { kind: 'subject', issuer, value: 'agent-b' }), true)
  assert.equal(names(caller, { kind: 'client', issuer, value: 'agent-d' }), false)
  const elsewhere = 'https://other.example'
  assert.equal(names(caller, { kind: 'client', issuer: elsewhere, value: 'agent-b' }), false)
  assert.equal(names(caller, { kind: 'token', issuer, value: 'agent-b' }), false)
  const later = { ...caller, issuedAtSeconds: NOW_SECONDS + 60 }
  assert.equal(names(later, { kind: 'subject', issuer, value: 'agent-b' }), false)
})

for (const kind of ['grant', 'session', 'client'] as const) {
  test(`a ${kind} revoked without an issuer is revoked at every issuer`, () => {
    const value = OWN.find((own) => own.kind === kind)!.value
    assert.equal(names(CALLER, { kind, value }), true)
    assert.equal(names({ ...CALLER, issuer: 'https://other.example' }, { kind, value }), true)
  })
}

test('what a caller does not have cannot be revoked', () => {
  const bare: Caller = {
    ...CALLER,
    client: '',
    tokenId: undefined,
    grant: undefined,
    session: undefined,
  }
  const all = OWN.filter(({ kind }) => kind !== 'subject')
  assert.equal(names(bare, ...all.map((own) => ({ ...own, issuer }))), false)
  for (const value of ['', 'undefined']) {
    assert.equal(names(bare, ...all.map(({ kind }) => ({ kind, issuer, value }))), false)
  }
})

test('a revoked subject ends what was issued until then, and not what is issued later', () => {
  const subject = { kind: 'subject', issuer, value: 'user-1' } as const
  const issuedAt = (issuedAtSeconds: number): boolean =>
    names({ ...CALLER, issuedAtSeconds }, subject)
  assert.equal(issuedAt(0), true)
  assert.equal(issuedAt(NOW_SECONDS - 1), true)
  assert.equal(issuedAt(NOW_SECONDS), true)
  assert.equal(issuedAt(NOW_SECONDS + 1), false)
  assert.equal(issuedAt(Number.NaN), true)
})

test('an entry that was removed or has ended names nobody, and the others stay', () => {
  const index = createRevocationIndex()
  const token = entry({ kind: 'token', issuer, value: 'jti-1', expiresInSeconds: 10 })
  const client = entry({ kind: 'client', value: 'app-1' })
  index.set(token)
  index.set(client)
  assert.equal(index.size, 2)
  assert.equal(index.remove(client.id), true)
  assert.equal(index.remove(client.id), false)
  assert.equal(index.names(CALLER), true)
  assert.equal(index.expire(NOW_SECONDS + 9), 0)
  assert.equal(index.names(CALLER), true)
  assert.equal(index.expire(NOW_SECONDS + 10), 1)
  assert.equal(index.names(CALLER), false)
  assert.equal(index.size, 0)
})

test('of several entries each ends at its own time', () => {
  const index = createRevocationIndex()
  for (const expiresInSeconds of [30, 10, 20]) {
    index.set(entry({ kind: 'token', issuer, value: `jti-${expiresInSeconds}`, expiresInSeconds }))
  }
  index.set(entry({ kind: 'client', value: 'stays' }))
  const ended = [5, 10, 19, 20, 30, 1000].map((after) => index.expire(NOW_SECONDS + after))
  assert.deepEqual(ended, [0, 1, 0, 1, 1, 0])
  assert.equal(index.size, 1)
})
