import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_BOUNDS } from './bounds.ts'
import { createCursor } from './json-cursor.ts'
import { atEnd, readText, skipValue } from './json-value.ts'

function accepts(text: string): boolean {
  const cursor = createCursor(Buffer.from(text), FRAME_BOUNDS)
  return cursor.problem === undefined && skipValue(cursor) && atEnd(cursor)
}

const VALUES = [
  ['0', '-0', '7', '-12', '1.5', '-0.25', '10.0', '1e5', '1E5', '1e+5', '1e-5', '1.5E-10', '0e0'],
  ['1e400', '9007199254740993', '9'.repeat(400), 'true', 'false', 'null'],
  [
    '""',
    '"a"',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    '"\\u0000\\uD800\\uabCD\\uFFFF"',
    '"\u007f"',
    '"€😀"',
  ],
  ['[]', '[ ]', '{}', '{ }', '[1,2]', '[ 1 , [ ] , { } ]', '{"a":1,"b":[{"a":2}]}', '{"":1}'],
  [' 1', '1 ', '\t\n\r [1]\r\n', '{ "a" : 1 , "b" : 2 }', '{"a\\u0062":1,"a":2,"b":3}'],
].flat()

for (const text of VALUES) {
  test(`is JSON: ${JSON.stringify(text).slice(0, 60)}`, () => {
    JSON.parse(text)
    assert.equal(accepts(text), true)
  })
}

const OTHERS = [
  [
    '',
    '-',
    '00',
    '01',
    '-01',
    '1.',
    '.1',
    '1.e5',
    '1e',
    '1e+',
    '1e-',
    '1e5.5',
    '+1',
    '0x1',
    '1_0',
    '--1',
  ],
  [
    'tru',
    'truee',
    'True',
    'nul',
    'NaN',
    'Infinity',
    'undefined',
    '"',
    '"a',
    '"\\"',
    '"\\u12"',
    '"\\u12g4"',
  ],
  [
    '"\\a"',
    '"\\U0041"',
    '"\\x41"',
    '"\n"',
    '"\u001f"',
    "'a'",
    '[',
    ']',
    '[1',
    '[1,',
    '[1,]',
    '[,]',
    '[,1]',
    '[1 2]',
  ],
  [
    '{',
    '}',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,}',
    '{"a":1 "b":2}',
    '{"a",1}',
    '{a:1}',
    '{1:1}',
  ],
  [
    '{"a":1]',
    '[1}',
    '{"a":1}}',
    '1 2',
    '1,',
    '[1],',
    '"a" "b"',
    '\u00a01',
    '\ufeff1',
    '1\0',
    '\f1',
    '{"a\\ud800":1}',
  ],
].flat()

for (const text of OTHERS) {
  test(`is not JSON: ${JSON.stringify(text).slice(0, 60)}`, () => {
    assert.equal(accepts(text), false)
  })
}

test('every single byte that does not belong at the start of a value is refused there', () => {
  for (let byte = 0; byte < 128; byte += 1) {
    const text = `[${String.fromCharCode(byte)}1]`
    const isValid = ' \t\n\r-0123456789'.includes(String.fromCharCode(byte)) && byte !== 0x30
    assert.equal(accepts(text), isValid, `byte ${byte}`)
  }
})

test('every control character is refused in strings and names, every other byte accepted', () => {
  for (let byte = 0; byte < 128; byte += 1) {
    const character = String.fromCharCode(byte)
    const isValid = byte >= 0x20 && character !== '"' && character !== '\\'
    for (const text of [`"abcd${character}efgh"`, `{"abcd${character}efgh":1}`]) {
      assert.equal(accepts(text), isValid, `byte ${byte}`)
    }
  }
})

test('a string of any length ends at its quote, wherever its escapes stand', () => {
  for (let length = 0; length < 12; length += 1) {
    for (let at = 0; at <= length; at += 1) {
      const content = `${'x'.repeat(at)}\\"${'y'.repeat(length - at)}`
      const cursor = createCursor(Buffer.from(`["${content}",1]`), FRAME_BOUNDS)
      cursor.at = 1
      assert.equal(readText(cursor), content.replace('\\', ''))
    }
  }
})
