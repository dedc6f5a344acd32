import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPatterns, MAX_UNITS_MET } from './patterns.ts'

test('the same pattern is compiled once, and matches anywhere in a text', () => {
  const patterns = createPatterns()
  const pattern = patterns.compile('b+')
  assert.equal(patterns.compile('b+'), pattern)
  assert.notEqual(createPatterns().compile('b+'), pattern)
  assert.deepEqual(
    ['abba', 'aaa', ''].map((text) => pattern.test(text)),
    [true, false, false],
  )
})

test('a pattern says the same of a text however much it has met', () => {
  const pattern = createPatterns().compile('^/reports/[a-zé]+[.]md$')
  for (let met = 0; met < 4 * MAX_UNITS_MET; met += 1_000) {
    pattern.test(`/reports/${'x'.repeat(950)}${String.fromCodePoint(0x4e00 + met)}`)
    assert.equal(pattern.test('/reports/été.md'), true)
    assert.equal(pattern.test('/reports/ETE.md'), false)
  }
})

test('what a pattern has built from texts is thrown away after so much of them', () => {
  let compiled = 0
  const pattern = createPatterns(() => {
    compiled += 1
    return { test: () => true }
  }).compile('x')
  for (let met = 0; met <= MAX_UNITS_MET; met += 1_024) pattern.test('x'.repeat(1_024))
  assert.equal(compiled, 1)
  pattern.test('x')
  pattern.test('x')
  assert.equal(compiled, 2)
})

test('a pattern that is not RE2 is refused', () => {
  for (const text of ['(', '(?=x)', String.raw`(a)\1`, 'a{1001}']) {
    assert.throws(() => createPatterns().compile(text), text)
  }
})
