import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom, shuffled } from './random.ts'
import { lowerQuartile, median, quantile } from './statistics.ts'

test('quantiles are values that occurred, by nearest rank, in any order of input', () => {
  const values = [5, 1, 4, 2, 3]
  assert.equal(median(values), 3)
  assert.equal(lowerQuartile(values), 2)
  assert.equal(quantile(values, 0), 1)
  assert.equal(quantile(values, 1), 5)
  assert.deepEqual(values, [5, 1, 4, 2, 3])
})

test('the quantile of nothing is not a number, so that it cannot pass for a good one', () => {
  assert.ok(Number.isNaN(median([])))
})

test('one seed gives one order and another seed another, with nothing lost', () => {
  const items = Array.from({ length: 20 }, (_, at) => at)
  const order = shuffled(items, createRandom(7))
  assert.deepEqual(shuffled(items, createRandom(7)), order)
  assert.notDeepEqual(shuffled(items, createRandom(8)), order)
  assert.deepEqual(
    order.toSorted((a, b) => a - b),
    items,
  )
})

test('random numbers stay in [0, 1) and fill it evenly', () => {
  const random = createRandom(1)
  const numbers = Array.from({ length: 10_000 }, random)
  assert.ok(numbers.every((number) => number >= 0 && number < 1))
  assert.ok(Math.abs(median(numbers) - 0.5) < 0.02)
})
