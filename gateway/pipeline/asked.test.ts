import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAsked } from './asked.ts'

test('a request is found by its id however the id is written, and taken once', () => {
  const asked = createAsked<string>()
  assert.ok(asked.add('"a"', 'first'))
  assert.equal(asked.add('"\\u0061"', 'second'), false)
  assert.ok(asked.has('"\\u0061"'))
  assert.equal(asked.take('"\\u0061"'), 'first')
  assert.equal(asked.take('"a"'), undefined)
})

test('a number and the same digits as a string are two ids', () => {
  const asked = createAsked<string>()
  asked.add('1', 'number')
  assert.equal(asked.has('"1"'), false)
  assert.ok(asked.add('"1"', 'string'))
  assert.equal(asked.size, 2)
})

test('those that fit are taken, oldest first, and the others stay', () => {
  const asked = createAsked<number>()
  for (const id of [3, 1, 2]) asked.add(String(id), id)
  assert.deepEqual(
    asked.takeWhere((request) => request !== 1),
    [3, 2],
  )
  assert.equal(asked.size, 1)
})
