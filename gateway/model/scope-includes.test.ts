import assert from 'node:assert/strict'
import { test } from 'node:test'

import { closeIncludes, withIncluded } from './scope-includes.ts'

test('A scope counts for those it includes, directly and through others, and never the other way round', () => {
  const includes = closeIncludes({ admin: ['write', 'keys'], write: ['read'] })
  const all = (...scopes: readonly string[]) =>
    [...withIncluded(new Set(scopes), includes)].toSorted()
  assert.deepEqual(all('admin'), ['admin', 'keys', 'read', 'write'])
  assert.deepEqual(all('write', 'other'), ['other', 'read', 'write'])
  assert.deepEqual(all('read'), ['read'])
  assert.deepEqual(all('keys'), ['keys'])
  assert.deepEqual(all(), [])
  assert.deepEqual(all('__proto__', 'constructor'), ['__proto__', 'constructor'])
})

test('A circle of scopes is one scope with several names', () => {
  const includes = closeIncludes({ a: ['b'], b: ['c'], c: ['a'] })
  for (const scope of ['a', 'b', 'c']) {
    assert.deepEqual([...withIncluded(new Set([scope]), includes)].toSorted(), ['a', 'b', 'c'])
  }
})

test('Where nothing is included the scopes are the same, untouched', () => {
  const scopes = new Set(['read'])
  assert.equal(withIncluded(scopes, new Map()), scopes)
})
