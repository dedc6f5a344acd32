import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasTest, quotations } from './quoted-tests.ts'

test('a quoted test is found by its exact name only', () => {
  const source =
    "test('a \\'b\\' c', f)\nfor (const x of ['one']) test(`${x} of ${g({ y })} is`, f)"
  for (const name of ["a 'b' c", 'one of one is']) assert.ok(hasTest(source, name), name)
  for (const name of ['a', "a 'b'", 'two of one is', ' of  is', 'one of one is not']) {
    assert.ok(!hasTest(source, name), name)
  }
})

test('a name made of a name that is made itself is found, and no other', () => {
  const source =
    "const rows = ['x'].map((v) => ({ name: `P-1 ${v}` }))\ntest(`${name} is refused`, f)"
  assert.ok(hasTest(source, 'P-1 x is refused'))
  assert.ok(hasTest(source, 'P-1 "x" is refused'))
  for (const name of ['P-1 y is refused', 'P-2 x is refused', 'P-1 x is served']) {
    assert.ok(!hasTest(source, name), name)
  }
})

test('a quotation is of the file named last before it', () => {
  assert.deepEqual(quotations('`gateway/a.test.ts`: “one”, “two”; `gateway/b.test.ts`: “three”'), [
    ['gateway/a.test.ts', 'one'],
    ['gateway/a.test.ts', 'two'],
    ['gateway/b.test.ts', 'three'],
  ])
})
