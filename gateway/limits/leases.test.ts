import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Expense } from './buckets.ts'
import { createLeases } from './leases.ts'

const budget = { perSecond: 100, burst: 50 }

function expense(more: Partial<Expense> = {}): Expense {
  return { key: 'a', budget, cost: 1, ...more }
}

/** Asks for one expense and is given all that was wanted. */
function lease(leases: ReturnType<typeof createLeases>, own: Expense, nowMs: number): number {
  const draw = leases.ask(own, leases.take(own, nowMs), nowMs)
  leases.granted(draw, draw.want, nowMs)
  return draw.want
}

test('nothing is held at first, and a single call is asked for alone', () => {
  const leases = createLeases()
  assert.equal(leases.take(expense(), 0), 1)
  assert.deepEqual(leases.ask(expense(), 1, 0), { key: 'a', budget, need: 1, want: 1 })
})

test('whoever spends fast takes in advance what a tenth of a second needs, and at most a tenth of a burst', () => {
  const leases = createLeases()
  lease(leases, expense(), 0)
  assert.equal(lease(leases, expense(), 50), 1 + 2, 'one call in 50 ms')
  assert.deepEqual([leases.take(expense(), 60), leases.take(expense(), 60)], [0, 0])
  assert.equal(leases.take(expense(), 60), 1, 'what was taken in advance is used up')
  assert.equal(lease(leases, expense(), 61), 1 + 5, 'never more than a tenth of the burst')
  const slow = createLeases()
  lease(slow, expense(), 0)
  assert.equal(lease(slow, expense(), 1_000), 1)
})

test('one question at a time takes in advance', () => {
  const leases = createLeases()
  lease(leases, expense(), 0)
  const first = leases.ask(expense(), 1, 10)
  assert.equal(first.want, 6)
  assert.equal(leases.ask(expense(), 1, 10).want, 1)
})

test('what was taken in advance ends when the budget has made it anew, and after a quarter second at the least', () => {
  const quick = createLeases()
  lease(quick, expense(), 0)
  lease(quick, expense(), 10)
  assert.equal(quick.take(expense(), 259), 0)
  assert.equal(quick.take(expense(), 260), 1)
  const leases = createLeases()
  const slow = expense({ budget: { perSecond: 1, burst: 50 } })
  lease(leases, slow, 0)
  lease(leases, slow, 10)
  assert.equal(leases.take(slow, 5_009), 0, 'five are made in five seconds')
  assert.equal(leases.take(slow, 5_010), 1)
})

test('what is put back can be taken again', () => {
  const leases = createLeases()
  lease(leases, expense(), 0)
  lease(leases, expense(), 10)
  const dear = expense({ cost: 7 })
  assert.equal(leases.take(dear, 20), 2)
  assert.equal(leases.take(expense(), 20), 1)
  leases.putBack('a', 5)
  assert.equal(leases.take(expense(), 20), 0)
})

test('a refusal is remembered for as long as it holds, and not for what costs less', () => {
  const leases = createLeases()
  const dear = expense({ cost: 5 })
  leases.refused(leases.ask(dear, 5, 0), 400, 0)
  assert.equal(leases.waitMs(dear, 100), 300)
  assert.equal(leases.waitMs(expense({ cost: 9 }), 100), 300)
  assert.equal(leases.waitMs(expense(), 100), 0)
  assert.equal(leases.waitMs(dear, 400), 0)
  assert.equal(leases.waitMs(expense({ key: 'b' }), 100), 0)
})

test('what is remembered is bounded, and what holds something goes last', () => {
  const leases = createLeases(100)
  for (let at = 0; at < 90; at += 1) lease(leases, expense({ key: `old ${at}` }), 0)
  const held = expense({ key: 'held', budget: { perSecond: 0.001, burst: 50 } })
  lease(leases, held, 10_000)
  lease(leases, held, 10_001)
  for (let at = 0; at < 50; at += 1) lease(leases, expense({ key: `new ${at}` }), 10_000)
  assert.equal(leases.take(held, 10_002), 0)
  for (let at = 0; at < 1_000; at += 1) lease(leases, expense({ key: `more ${at}` }), 10_000)
  assert.ok(leases.size <= 100)
})
