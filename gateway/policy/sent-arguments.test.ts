import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments } from './sent-arguments.ts'

function read(text: string): unknown {
  const frame = Buffer.from(`"before"${text}`)
  const span = { start: '"before"'.length, end: frame.length }
  return readArguments({ arguments: span }, frame)?.value
}

test('an escaped name is read as it is, whatever callers sent before', () => {
  // In this order `JSON.parse` of Node 24 finds an argument `\u00` in the second, and no path.
  JSON.parse('{"x":1,"\\\\u00":1,"z":1}')
  assert.deepEqual(read('{"x":1,"\\u0070ath":"/etc/passwd","z":1}'), {
    x: 1,
    path: '/etc/passwd',
    z: 1,
  })
})

test('arguments with a name that only an escape can write are not looked at', () => {
  assert.equal(read('{"a":1,"b\\\\c":{}}'), undefined)
  assert.equal(read('{"a":[{"b\\"":1}]}'), undefined)
  assert.deepEqual(read('{"a":"\\"\\\\"}'), { a: '"\\' })
})
