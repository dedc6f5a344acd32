import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measured } from './measure.ts'
import { report } from './report.ts'

const GOOD: Measured = {
  steady: { p50Ms: 2, p99Ms: 9, heldShare: 1 },
  tokensPerSecond: 2_000,
  calls: { aloneP99Ms: 3, besideP99Ms: 7.9 },
  registrations: { heldShare: 0.99, p99Ms: 40 },
}

test('what reaches its target says so, and what does not cannot be overlooked', () => {
  assert.equal(report(GOOD).match(/ reached/g)?.length, 4)
  assert.doesNotMatch(report(GOOD), /NOT REACHED/)
  const bad: Measured = {
    steady: { ...GOOD.steady, heldShare: 0.98 },
    tokensPerSecond: 1_000,
    calls: { aloneP99Ms: 3, besideP99Ms: 8.1 },
    registrations: { heldShare: 0.5, p99Ms: 40 },
  }
  assert.equal(report(bad).match(/NOT REACHED/g)?.length, 4)
})

test('a figure that was not measured does not reach its target', () => {
  const nothing = { ...GOOD, tokensPerSecond: Number.NaN }
  assert.equal(report(nothing).match(/NOT REACHED/g)?.length, 1)
})
