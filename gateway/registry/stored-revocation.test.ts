import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RevokeRequest } from './revocation.ts'
import { draftRevocation, RevocationError } from './revocation.ts'
import { formatRevocation, parseRevocation } from './stored-revocation.ts'

const REQUESTS: readonly RevokeRequest[] = [
  { kind: 'token', issuer: 'https://idp.example', value: 'jti "1"', by: 'admin', reason: 'lost' },
  { kind: 'subject', issuer: 'https://idp.example', value: 'ü', by: 'admin' },
  { kind: 'client', value: 'app-1', by: 'admin', expiresInSeconds: 60 },
]

test('a revocation is read as it was written', () => {
  for (const request of REQUESTS) {
    const entry = draftRevocation(request, 1_800_000_000.5, {})
    assert.deepEqual(parseRevocation('key', formatRevocation(entry)), entry)
  }
})

test('a stored row that is not understood is refused, never passed over', () => {
  const row = {
    v: 1,
    kind: 'subject',
    issuer: 'i',
    value: 'v',
    by: 'b',
    createdAtSeconds: 1,
    cutoffSeconds: 2,
  }
  assert.equal(parseRevocation('key', JSON.stringify(row)).value, 'v')
  const broken = [
    '',
    'null',
    '[]',
    '{"v":1',
    ...[
      { v: 2 },
      { kind: 'planet' },
      { value: 7 },
      { by: undefined },
      { issuer: null },
      { reason: {} },
      { createdAtSeconds: '1' },
      { cutoffSeconds: undefined },
      { cutoffSeconds: '2' },
      { expiresAtSeconds: null },
      { kind: 'client' },
    ].map((change) => JSON.stringify({ ...row, ...change })),
  ]
  for (const text of broken) {
    assert.throws(
      () => parseRevocation('the/key', text),
      (error) =>
        error instanceof RevocationError &&
        error.code === 'unreadable' &&
        error.message.includes('the/key'),
      text,
    )
  }
})
