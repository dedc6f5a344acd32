import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createRequestMemory } from './request-memory.ts'

test('What a request has read is known to it until it is forgotten, and to no other request', () => {
  let served: object | undefined = {}
  const memory = createRequestMemory<number>(() => served)
  memory.keep('a', 1)
  assert.deepEqual([memory.find('a'), memory.find('b')], [1, undefined])
  const first = served
  served = {}
  assert.equal(memory.find('a'), undefined)
  memory.forget('a')
  served = first
  assert.equal(memory.find('a'), 1)
  memory.forget('a')
  assert.equal(memory.find('a'), undefined)
})

test('Outside of requests nothing is remembered', () => {
  const memory = createRequestMemory<number>(() => undefined)
  memory.keep('a', 1)
  assert.equal(memory.find('a'), undefined)
})
