import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMirrored, encodeMirrored } from './sentinel.ts'

const LITERAL = [
  'echo',
  '',
  'a b\tc',
  '=?base64?ZWNobw==',
  'ZWNobw==?=',
  '=?BASE64?ZWNobw==?=',
  '=?Base64?ZWNobw==?=',
  '=?base64?=',
  '=?utf-8?q?x?=',
  ' =?base64?ZWNobw==?=',
]

for (const value of LITERAL) {
  test(`says itself: ${JSON.stringify(value)}`, () => {
    assert.equal(decodeMirrored(value), value)
  })
}

test('a sentinel says what it holds', () => {
  assert.equal(decodeMirrored('=?base64?ZWNobw==?='), 'echo')
  assert.equal(decodeMirrored('=?base64??='), '')
  assert.equal(decodeMirrored('=?base64?w7w=?='), 'ü')
  assert.equal(decodeMirrored('=?base64?77u/YQ==?='), '\ufeffa')
  assert.equal(decodeMirrored('=?base64?PT9iYXNlNjQ/WldObw==?='), '=?base64?ZWNo')
})

const MALFORMED: readonly (readonly [string, string])[] = [
  ['missing padding', '=?base64?ZWNobw?='],
  ['half the padding', '=?base64?ZWNobw=?='],
  ['too much padding', '=?base64?ZWNobw===?='],
  ['stray bits behind the last character', '=?base64?ZWNobx==?='],
  ['the URL alphabet', '=?base64?77-_?='],
  ['a space inside', '=?base64?ZWNo bw==?='],
  ['a character outside the alphabet', '=?base64?ZWN*bw==?='],
  ['one character', '=?base64?Z?='],
  ['bytes that are not UTF-8', '=?base64?/w==?='],
  ['an encoded surrogate', '=?base64?7aCA?='],
  ['characters beyond ASCII', 'grüße'],
  ['a control character', 'a\u0001'],
  ['DEL', 'a\u007f'],
]

for (const [what, value] of MALFORMED) {
  test(`says nothing: ${what}`, () => {
    assert.equal(decodeMirrored(value), undefined)
  })
}

test('what is encoded reads the same again, and stands plain where every reader takes it so', () => {
  const texts = ['echo', 'a b', '', ' a', 'a ', '\t', 'a\tb', 'ü', '=?base64?ZWNo?=', '\r\nx: y']
  for (const text of texts) {
    const value = encodeMirrored(text)
    assert.equal(decodeMirrored(value), text)
    assert.match(value, /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/)
  }
  assert.deepEqual(texts.slice(0, 2).map(encodeMirrored), ['echo', 'a b'])
})
