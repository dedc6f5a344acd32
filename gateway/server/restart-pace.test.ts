import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createRestartPace, MAX_DELAY_MS } from './restart-pace.ts'

test('the first restart is at once, and each next one waits twice as long, up to a bound', () => {
  const pace = createRestartPace()
  const delays = Array.from({ length: 12 }, () => pace.ended(1_000))
  assert.deepEqual(delays.slice(0, 5), [0, 100, 200, 400, 800])
  assert.equal(delays.at(-1), MAX_DELAY_MS)
})

test('one that has run for a minute begins anew', () => {
  const pace = createRestartPace()
  for (let at = 0; at < 5; at += 1) pace.ended(1_000)
  assert.equal(pace.ended(60_000), 0)
  assert.deepEqual([pace.ended(1_000), pace.ended(1_000)], [0, 100])
})
