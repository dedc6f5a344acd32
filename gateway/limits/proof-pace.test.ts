import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Budget } from '../model/limits.ts'
import { testCaller, testServer } from '../testkit/pipeline.ts'
import { createProofPace, PROOFS_PER_CALL } from './proof-pace.ts'

const TEN: Budget = { perSecond: 1, burst: 10 }
const RATE_LIMITED = {
  code: 'rate_limited',
  extra: { detail: 'too many proofs', retryAfterSeconds: 1 },
}
const [docs, mail] = [testServer({ name: 'docs' }), testServer({ name: 'mail' })]

function pacing({ everywhere, onDocs }: { everywhere?: Budget; onDocs?: Budget }) {
  const clock = { ms: 1_000 }
  const own = { caller: onDocs, everybody: undefined, costs: new Map<string, number>() }
  const callers = { agent: everywhere, human: undefined, service: undefined }
  const servers = new Map([['docs', own]])
  const take = createProofPace({ callers, servers }, () => clock.ms)
  const takeMany = (count: number, server = docs): void => {
    for (let at = 0; at < count; at++) take(testCaller(), server)
  }
  return { clock, take, takeMany }
}

for (const limits of [{ everywhere: TEN }, { onDocs: TEN }]) {
  test(`a caller limited by ${Object.keys(limits)[0]} brings a few proofs for each call, then none for a while`, () => {
    const { clock, take, takeMany } = pacing(limits)
    takeMany(10 * PROOFS_PER_CALL)
    assert.throws(() => takeMany(1), RATE_LIMITED)
    take(testCaller({ subject: 'bob' }), docs)
    clock.ms += 1_000
    takeMany(PROOFS_PER_CALL)
    assert.throws(() => takeMany(1), RATE_LIMITED)
  })
}

test('a limit on one server is none on another, and without limits there is none', () => {
  const { takeMany } = pacing({ onDocs: TEN })
  takeMany(1_000, mail)
  pacing({}).takeMany(1_000)
})

test('whoever sends the proofs of somebody else again takes nothing from them', () => {
  const { take, takeMany } = pacing({ everywhere: TEN })
  takeMany(10 * PROOFS_PER_CALL - 1)
  for (let again = 0; again < 1_000; again++) take(testCaller(), docs)()
  takeMany(1)
  assert.throws(() => takeMany(1), RATE_LIMITED)
})
