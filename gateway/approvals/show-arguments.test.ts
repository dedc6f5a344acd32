import assert from 'node:assert/strict'
import { test } from 'node:test'
import { showArguments } from './show-arguments.ts'

test('arguments are set out in lines', () => {
  assert.equal(showArguments('{"a":1,"b":["c"]}'), '{\n  "a": 1,\n  "b": [\n    "c"\n  ]\n}')
  assert.equal(showArguments(''), '')
})

test('what would read as something else when set out is shown as it was sent', () => {
  for (const text of [
    '{"id":9007199254740993}',
    '{"n":1.0}',
    '{"n":1e2}',
    '{"a":"\\u0062"}',
    '{"2":0,"1":0}',
  ]) {
    assert.equal(showArguments(text), text)
  }
})

test('characters that hide, or turn others around, are shown by their numbers', () => {
  assert.equal(showArguments('{"a":"x\u202ey\u200bz"}'), '{\n  "a": "x\\u202ey\\u200bz"\n}')
  assert.equal(showArguments('{"a":"\u{e0001}"}'), '{\n  "a": "\\udb40\\udc01"\n}')
  assert.equal(showArguments('{"a":"é鍵🗝"}'), '{\n  "a": "é鍵🗝"\n}')
})

test('Blanks between members, which change nothing, can hide none of them', () => {
  const blanks = `${'\n'.repeat(5_000)}${' '.repeat(5_000)}`
  assert.equal(
    showArguments(`{"a":1,${blanks}"b":"x  y"${blanks}}`),
    '{\n  "a": 1,\n  "b": "x  y"\n}',
  )
  // Shown as it was sent for its number, but without them.
  assert.equal(showArguments(`{"a":1.0,${blanks}"b":"x  \\" y"}`), '{"a":1.0,"b":"x  \\" y"}')
})
