import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTestSummary } from './test-summary.ts'

function summary(counts: {
  pass: number
  fail?: number
  cancelled?: number
  skipped?: number
  todo?: number
}) {
  const { pass, fail = 0, cancelled = 0, skipped = 0, todo = 0 } = counts
  const tests = pass + fail + cancelled + skipped + todo
  return `ℹ tests ${tests}\nℹ suites 0\nℹ pass ${pass}\nℹ fail ${fail}\nℹ cancelled ${cancelled}\nℹ skipped ${skipped}\nℹ todo ${todo}\nℹ duration_ms 12.5\n`
}

test('the counts of every summary in an output are added up', () => {
  const output = `✔ one (1 ms)\n${summary({ pass: 3, fail: 1 })}make: done\n${summary({ pass: 4 })}`
  assert.deepEqual(readTestSummary(output), { passed: 7, failed: 1 })
})

test('a test that was skipped, cancelled or left as todo counts as failed', () => {
  assert.deepEqual(readTestSummary(summary({ pass: 1, skipped: 2 })), { passed: 1, failed: 2 })
  assert.deepEqual(readTestSummary(summary({ pass: 1, cancelled: 1 })), { passed: 1, failed: 1 })
  assert.deepEqual(readTestSummary(summary({ pass: 1, todo: 3 })), { passed: 1, failed: 3 })
})

test('the TAP reporter and colours are understood', () => {
  assert.deepEqual(readTestSummary('# pass 2\n# fail 1\n'), { passed: 2, failed: 1 })
  assert.deepEqual(readTestSummary('\u001b[34mℹ pass 2\u001b[39m\n'), { passed: 2, failed: 0 })
})

test('what a test prints is not taken for a summary', () => {
  assert.deepEqual(readTestSummary('we pass 7\n  ℹ pass 7\nℹ pass seven\n'), {
    passed: 0,
    failed: 0,
  })
})
