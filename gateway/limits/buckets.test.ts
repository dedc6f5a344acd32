import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Expense } from './buckets.ts'
import { createBuckets } from './buckets.ts'

const budget = { perSecond: 2, burst: 5 }

function expense(more: Partial<Expense> = {}): Expense {
  return { key: 'a', budget, cost: 1, ...more }
}

/** How many of these can be paid one after the other at this moment. */
function countPaid(buckets: ReturnType<typeof createBuckets>, nowMs: number, own = expense()) {
  let paid = 0
  while (paid < 1_000 && buckets.spend([own], nowMs) === undefined) paid += 1
  return paid
}

test('a burst can be spent at once, and after it the rate for ever', () => {
  const buckets = createBuckets()
  assert.equal(countPaid(buckets, 0), 5)
  let paid = 0
  for (let ms = 1; ms <= 60_000; ms += 1)
    if (buckets.spend([expense()], ms) === undefined) paid += 1
  assert.equal(paid, 120)
})

test('whoever is refused is told the seconds after which it is paid, and pays nothing', () => {
  const buckets = createBuckets()
  countPaid(buckets, 0)
  for (let round = 0; round < 50; round += 1) {
    assert.equal(buckets.spend([expense()], 0)?.retryAfterSeconds, 1)
  }
  assert.equal(buckets.spend([expense({ cost: 4 })], 0)?.retryAfterSeconds, 2)
  assert.equal(buckets.spend([expense()], 499)?.retryAfterSeconds, 1)
  assert.equal(buckets.spend([expense()], 500), undefined)
})

test('a pause is worth a burst and never more', () => {
  const buckets = createBuckets()
  countPaid(buckets, 0)
  assert.equal(countPaid(buckets, 3_600_000), 5)
})

test('all expenses are paid or none', () => {
  const buckets = createBuckets()
  const small = expense({ key: 'small', budget: { perSecond: 1, burst: 1 } })
  assert.equal(buckets.spend([expense(), small], 0), undefined)
  for (let round = 0; round < 20; round += 1) {
    assert.equal(buckets.spend([expense(), small], 0)?.expense, small)
  }
  assert.equal(countPaid(buckets, 0), 4)
})

test('what costs more than a burst is paid by an empty bucket, and for long', () => {
  const buckets = createBuckets()
  const large = expense({ cost: 20 })
  assert.equal(buckets.spend([large], 0), undefined)
  assert.equal(buckets.spend([expense()], 0)?.retryAfterSeconds, 8)
  assert.equal(buckets.spend([large], 9_999)?.retryAfterSeconds, 1)
  assert.equal(buckets.spend([large], 10_000), undefined)
  assert.equal(buckets.spend([expense({ key: 'b' }), expense({ key: 'c', cost: 0 })], 0), undefined)
})

test('buckets are bounded: empty ones go first, and those in use only when there are too many', () => {
  const buckets = createBuckets(100)
  for (let at = 0; at < 90; at += 1) buckets.spend([expense({ key: `old ${at}` })], 0)
  const slow = expense({ key: 'slow', budget: { perSecond: 0.001, burst: 1 } })
  buckets.spend([slow], 10_000)
  for (let at = 0; at < 50; at += 1) buckets.spend([expense({ key: `new ${at}` })], 10_000)
  assert.ok(buckets.spend([slow], 10_000) !== undefined, 'one in use is not forgotten')
  for (let at = 0; at < 10_000; at += 1) buckets.spend([expense({ key: `more ${at}` })], 10_000)
  assert.ok(buckets.size <= 100)
})

test('what is given back can be spent again, and what has run out of the bucket is not there twice', () => {
  const buckets = createBuckets()
  countPaid(buckets, 0)
  buckets.giveBack([expense(), expense()], 0, 0)
  assert.equal(countPaid(buckets, 0), 2)
  // Of two calls one has run out in half a second, and would be there anyway.
  buckets.giveBack([expense({ cost: 2 })], 0, 500)
  assert.equal(countPaid(buckets, 500), 2)
  buckets.giveBack([expense({ cost: 1_000 })], 500, 500)
  assert.equal(countPaid(buckets, 500), 5, 'a burst and no more')
  buckets.giveBack([expense()], 500, 60_000)
  assert.equal(countPaid(buckets, 60_000), 5)
})

test('a draw gives what is there up to what is wanted, and what it gives is spent', () => {
  const buckets = createBuckets()
  const draw = { key: 'a', budget, need: 1, want: 3 }
  assert.deepEqual(buckets.draw([draw], 0), { ok: true, granted: [3] })
  assert.deepEqual(buckets.draw([draw], 0), { ok: true, granted: [2] })
  assert.deepEqual(buckets.draw([draw], 0), { ok: false, at: 0, waitMs: 500 })
  assert.equal(countPaid(buckets, 0), 0)
})

test('all draws are given what they need or none is given anything', () => {
  const buckets = createBuckets()
  const scarce = { key: 'scarce', budget: { perSecond: 1, burst: 1 }, need: 1, want: 1 }
  const draw = { key: 'a', budget, need: 1, want: 1 }
  assert.equal(buckets.draw([draw, scarce], 0).ok, true)
  for (let round = 0; round < 10; round += 1) {
    assert.deepEqual(buckets.draw([draw, scarce], 0), { ok: false, at: 1, waitMs: 1_000 })
  }
  assert.equal(countPaid(buckets, 0), 4)
})

test('a draw of more than a burst is given by an empty bucket', () => {
  const buckets = createBuckets()
  const large = { key: 'a', budget, need: 20, want: 20 }
  assert.deepEqual(buckets.draw([large], 0), { ok: true, granted: [20] })
  assert.deepEqual(buckets.draw([large], 0), { ok: false, at: 0, waitMs: 10_000 })
})
