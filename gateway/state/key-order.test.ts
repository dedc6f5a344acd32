import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compareKeys, endOfPrefix } from './key-order.ts'

/** Text whose characters come from the places where UTF-16 and UTF-8 disagree, and from everywhere. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}') }),
  fc.string({ unit: 'binary' }),
)

test('keys are ordered as their UTF-8 bytes are', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const byBytes = Buffer.compare(Buffer.from(a), Buffer.from(b))
      assert.equal(Math.sign(compareKeys(a, b)), byBytes)
    }),
    { seed: 1, numRuns: 2000 },
  )
})

test('a text starts with a prefix exactly when it is between the prefix and its end', () => {
  fc.assert(
    fc.property(text, text, fc.boolean(), (prefix, other, extend) => {
      const key = extend ? prefix + other : other
      const end = endOfPrefix(prefix)
      const within =
        compareKeys(prefix, key) <= 0 && (end === undefined || compareKeys(key, end) < 0)
      assert.equal(within, key.startsWith(prefix))
    }),
    { seed: 1, numRuns: 2000 },
  )
})

test('nothing comes after the empty prefix or one of highest code points', () => {
  assert.equal(endOfPrefix(''), undefined)
  assert.equal(endOfPrefix('\u{10ffff}\u{10ffff}'), undefined)
  assert.equal(endOfPrefix('a\u{10ffff}'), 'b')
  assert.equal(endOfPrefix('\ud7ff'), '\ue000')
})
