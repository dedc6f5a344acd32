import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachName, parseForeign, unescapeNames } from './json-names.ts'

function namesIn(text: string): readonly string[] {
  const names: string[] = []
  eachName(text, (start, end) => names.push(text.slice(start, end)))
  return names
}

test('names are found at any depth, and nothing else that looks like one', () => {
  const text = '{"a" \n: ":", "b\\"" : ["c", {"\\\\":"d\\\\"}], "":{"e":"\\":"}}'
  assert.deepEqual(namesIn(text), ['"a"', '"b\\""', '"\\\\"', '""', '"e"'])
  for (const none of ['[]', '1', '"a"', '["a","b"]', '{}']) assert.deepEqual(namesIn(none), [])
})

test('a name that needs no escape is written without one, and values stay as they are', () => {
  const text = '{"\\u0070ath":"\\u0070","a\\/b":{"c":[{"\\u00e4\\u002F":1}]}, "plain":"\\n"}'
  const plain = '{"path":"\\u0070","a/b":{"c":[{"ä/":1}]}, "plain":"\\n"}'
  assert.equal(unescapeNames(text), plain)
  assert.equal(unescapeNames(plain), plain)
  assert.equal(unescapeNames('{"a":1}'), '{"a":1}')
})

for (const name of ['\\"', '\\\\', '\\n', '\\u0000', '\\ud800']) {
  test(`a name that cannot be written without an escape is said to be one: ${name}`, () => {
    assert.equal(unescapeNames(`{"a":[{"b${name}":1}]}`), undefined)
  })
}

test('what is read of an escaped name does not depend on what was read before', () => {
  // In this order `JSON.parse` of Node 24 finds a member `\u00` in the second.
  JSON.parse('{"x":1,"\\\\u00":1,"z":1}')
  const text = unescapeNames('{"x":1,"\\u0070ath":2,"z":1}') ?? assert.fail()
  assert.deepEqual(JSON.parse(text), { x: 1, path: 2, z: 1 })
})

test('what is read of another text with such names is the same whatever was read before, but for those names', () => {
  JSON.parse('{"x":1,"\\\\u00":1,"z":1}')
  const read = parseForeign('{"x":1,"\\u0070ath":2,"z":{"a\\nb":3}}')
  assert.deepEqual(read, { x: 1, path: 2, z: { 'a\nb': 3 } })
})
