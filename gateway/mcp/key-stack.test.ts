import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANSWER_BOUNDS, FRAME_BOUNDS } from './bounds.ts'
import { createCursor } from './json-cursor.ts'
import { hashName } from './json-text.ts'
import { atEnd, skipValue } from './json-value.ts'

function isUnique(names: readonly string[]): boolean {
  const text = `{${names.map((name) => `${name}:{"a":1}`).join(',')}}`
  const cursor = createCursor(Buffer.from(text), FRAME_BOUNDS)
  const passed = skipValue(cursor) && atEnd(cursor)
  if (!passed) assert.equal(cursor.problem, 'An object has a member twice')
  return passed
}

function range(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `"k${i}"`)
}

for (const count of [1, 2, 23, 24, 25, 26, 27, 100, 5_000]) {
  test(`${count} different names pass, and each of them twice does not`, () => {
    const names = range(count)
    assert.equal(isUnique(names), true)
    for (const place of [0, Math.floor(count / 2), count - 1]) {
      const again = names[place]!
      assert.equal(isUnique([...names, again]), false)
      assert.equal(isUnique([again, ...names]), false)
      assert.equal(isUnique([...names, again.replace('k', '\\u006b')]), false)
      assert.equal(isUnique([again.replace('k', '\\u006B'), ...names]), false)
    }
  })
}

test('the same name in different objects is no repetition', () => {
  const inner = `{${range(40).join(':1,')}:1}`
  const text = `{"a":${inner},"b":${inner},"c":[${inner},{"a":${inner}}],"d":1}`
  const cursor = createCursor(Buffer.from(text), FRAME_BOUNDS)
  assert.ok(skipValue(cursor))
})

test('a name is known again behind any number of nested objects', () => {
  const cursor = createCursor(
    Buffer.from(`{"a":{"b":{"c":1},"d":{${range(30).join(':2,')}:2}},"e":{},"a":1}`),
    FRAME_BOUNDS,
  )
  assert.equal(skipValue(cursor), false)
})

test('names beyond the basic plane are one name however they are written', () => {
  assert.equal(isUnique(['"😀"', '"\\ud83d\\ude00"']), false)
  assert.equal(isUnique(['"é"', '"\\u00e9"']), false)
  assert.equal(isUnique(['"é"', '"e\u0301"']), true)
})

/** Endings found by search: appended one after the other, both of a pair lead to one hash. */
const COLLISIONS: readonly (readonly [string, string])[] = [
  ['7yzx', 'e6ad'],
  ['33zx', 'epad'],
  ['33zx', 'epad'],
  ['33zx', 'epad'],
  ['33zx', 'epad'],
  ['33zx', 'epad'],
]

/** 2^steps names of one hash. */
function colliding(steps: number): readonly string[] {
  const pairs = COLLISIONS.slice(0, steps)
  return pairs.reduce((names, pair) => names.flatMap((name) => pair.map((end) => name + end)), [''])
}

test('names made to collide are different names, few of them or many', () => {
  for (const steps of [2, 6]) {
    const names = colliding(steps)
    assert.equal(new Set(names.map(hashName)).size, 1)
    const written = names.map((name) => JSON.stringify(name))
    assert.equal(isUnique([...written, ...range(40)]), true)
    assert.equal(isUnique([...written, ...range(40), written[1]!]), false)
    assert.equal(isUnique([written[1]!, ...range(40), ...written]), false)
  }
})

test('the index of a name fits beside its hash', () => {
  assert.ok(Math.max(FRAME_BOUNDS.maxNodes, ANSWER_BOUNDS.maxNodes) < 2 ** 21)
})
