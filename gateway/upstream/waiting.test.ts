import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createWaiting, MAX_WAITING_BYTES, MAX_WAITING_CALLS } from './waiting.ts'

test('a call finds no room behind as many as may wait, and finds it again when one has left', () => {
  const waiting = createWaiting()
  for (let calls = 0; calls < MAX_WAITING_CALLS; calls++) {
    assert.ok(waiting.hasRoom)
    waiting.enter(10)
  }
  assert.ok(!waiting.hasRoom)
  waiting.leave(10)
  assert.ok(waiting.hasRoom)
})

test('a call finds no room behind large bodies, however few', () => {
  const waiting = createWaiting()
  waiting.enter(MAX_WAITING_BYTES - 1)
  assert.ok(waiting.hasRoom)
  waiting.enter(4_000_000)
  assert.ok(!waiting.hasRoom)
  waiting.leave(4_000_000)
  assert.ok(waiting.hasRoom)
})

test('a body above the bound waits where nothing else does', () => {
  const waiting = createWaiting()
  assert.ok(waiting.hasRoom)
  waiting.enter(2 * MAX_WAITING_BYTES)
  assert.ok(!waiting.hasRoom)
})
