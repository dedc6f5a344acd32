import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readJsonObject } from './strict-json.ts'

const read = (text: string) => readJsonObject(Buffer.from(text))

test('an object is read with its members as they came', () => {
  const text = '{"a":1,"b":{"a":[{"a":2},{"a":3}]},"c":"a\\":{","":0}'
  assert.deepEqual(read(text), JSON.parse(text))
})

const REPEATED = [
  '{"a":1,"a":1}',
  '{"a":1,"b":2,"a":3}',
  '{"a":1,"\\u0061":2}',
  '{"a" :1, "a"\n:2}',
  '{"b":{"a":1,"a":2}}',
  '{"b":[{"c":0},{"a":1,"a":2}]}',
  '{"a":{"x":1},"a":2}',
  '{"\\"":1,"\\u0022":2}',
  '{"__proto__":1,"__proto__":2}',
  '{"":1,"":2}',
]

for (const text of REPEATED) {
  test(`a repeated member is refused: ${JSON.stringify(text)}`, () => {
    assert.equal(read(text), undefined)
  })
}

const ONCE = [
  '{"a":"\\\\","b":":"}',
  '{"a":"\\"b\\":1","b":2}',
  '{"a\\/b":1,"a\\u002fc":"\\u002f"}',
  '{"a":["a",{"a":"a"}],"b":{"b":"b"}}',
  '{"a" \r\n\t: [ "b" , ":" ] }',
  '{"1":{"1":[]},"2":[[],{}],"":null}',
]

for (const text of ONCE) {
  test(`what only looks like a repeated member is read: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(read(text), JSON.parse(text))
  })
}

test('an object nested as deep as a token can be is read', () => {
  const depth = 3_000
  const text = `{"a":${'['.repeat(depth)}{"b":1}${']'.repeat(depth)}}`
  assert.deepEqual(JSON.stringify(read(text)), text)
  assert.equal(read(text.replace('{"b":1}', '{"b":1,"b":1}')), undefined)
})

test('an escaped name is not taken for one that somebody else wrote', () => {
  // In this order `JSON.parse` of Node 24 finds a member `\\u00` in the second.
  JSON.parse('{"x":1,"\\\\u00":1,"z":1}')
  assert.deepEqual(read('{"x":1,"\\u0070ath":2,"z":1}'), { x: 1, path: 2, z: 1 })
})

for (const name of ['\\"', '\\\\', '\\n', '\\ud800']) {
  test(`a name that cannot be written without an escape is refused: ${name}`, () => {
    assert.equal(read(`{"a":{"a${name}":1}}`), undefined)
  })
}

const NO_OBJECTS = [
  '',
  '[]',
  'null',
  '1',
  '"a"',
  '{',
  '{"a":1}x',
  '{"a":1}{"a":1}',
  '\uFEFF{}',
  '{a:1}',
  '{"a":NaN}',
]

for (const text of NO_OBJECTS) {
  test(`what is not exactly one JSON object is refused: ${JSON.stringify(text)}`, () => {
    assert.equal(read(text), undefined)
  })
}

test('invalid UTF-8 is refused', () => {
  assert.equal(readJsonObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined)
})

test('a prototype member stays an ordinary member', () => {
  const value = read('{"__proto__":{"admin":true}}')
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  assert.ok(Object.hasOwn(value ?? {}, '__proto__'))
})

test('every serialised object is read, and refused once one of its members is doubled', () => {
  // Names are read that need no escape.
  const key = fc.string().map((text) => text.replaceAll(/["\\]/g, '?'))
  const values = [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)]
  const objects = fc.object({ key, values }).filter((object) => Object.keys(object).length > 0)
  fc.assert(
    fc.property(objects, (object) => {
      const text = JSON.stringify(object)
      assert.deepEqual(read(text), JSON.parse(text))
      const [name] = Object.keys(object)
      assert.equal(read(`{${JSON.stringify(name)}:0,${text.slice(1)}`), undefined)
    }),
    { numRuns: 500, seed: 1 },
  )
})
