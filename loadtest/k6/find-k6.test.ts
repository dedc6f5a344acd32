import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAtLeast } from './find-k6.ts'

test('a version as old as asked for, or newer, is enough', () => {
  assert.equal(isAtLeast('k6 v1.8.1 (go1.26.8, linux/amd64)', [1, 0]), true)
  assert.equal(isAtLeast('go version go1.24.0 linux/amd64', [1, 24]), true)
  assert.equal(isAtLeast('k6 v2.0.0', [1, 9]), true)
})

test('an older version, or no version at all, is not', () => {
  assert.equal(isAtLeast('k6 v0.57.0', [1, 0]), false)
  assert.equal(isAtLeast('go version go1.9.7', [1, 24]), false)
  assert.equal(isAtLeast('', [1, 0]), false)
})
