import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../model/secret.ts'
import { cut, MAX_TEXT_CHARS, quoteAll, quoted } from './text.ts'

test('plain text is quoted as it is', () => {
  assert.equal(quoted(',"name":"', 'tools/call'), ',"name":"tools/call"')
})

const HOSTILE = [
  ['a newline', 'a\n{"type":"decision"}'],
  ['a carriage return', 'a\rb'],
  ['NUL', 'a\u0000b'],
  ['an ANSI sequence', '\u001b[31mred'],
  ['a C1 control sequence introducer', '\u009b31m'],
  ['a line separator', 'a\u2028b'],
  ['a direction override', 'a\u202eb'],
  ['an isolate', 'a\u2066b'],
  ['an unpaired surrogate', 'a\ud800b'],
  ['quotes and backslashes', 'a"b\\'],
] as const

for (const [what, text] of HOSTILE) {
  test(`${what} is escaped, and read back as it was`, () => {
    const json = quoted('"', text)
    assert.match(json, /^"[ -~]*"$/)
    assert.equal(JSON.parse(json), text)
    assert.deepEqual(JSON.parse(quoteAll({ text })), { text })
    assert.match(quoteAll({ text }), /^[ -~]*$/)
  })
}

test('letters of any script stay readable', () => {
  assert.equal(quoted('"', 'größe 大 🎉'), '"größe 大 🎉"')
})

test('a long text is cut, and says how long it was and what it hashes to', () => {
  const text = cut('x'.repeat(MAX_TEXT_CHARS + 1))
  assert.match(text, /^x{512}…\(513 chars, sha256 [\w-]{43}\)$/)
  assert.notEqual(text, cut(`${'x'.repeat(MAX_TEXT_CHARS)}y`))
  assert.equal(cut('x'.repeat(MAX_TEXT_CHARS)), 'x'.repeat(MAX_TEXT_CHARS))
})

test('a cut never leaves half a character', () => {
  const text = cut(`${'x'.repeat(MAX_TEXT_CHARS - 1)}🎉🎉`)
  assert.ok(text.startsWith(`${'x'.repeat(MAX_TEXT_CHARS - 1)}…`))
})

test('a text of a mebibyte becomes a short one', () => {
  assert.ok(quoted('"', '\u0000'.repeat(1024 * 1024)).length < 4096)
})

test('every text in an object is cut, and a secret stays one', () => {
  const json = quoteAll({ a: ['y'.repeat(1000)], secret: new Secret('s3cret') })
  assert.match(json, /^\{"a":\["y{512}…\(1000 chars/)
  assert.doesNotMatch(json, /s3cret/)
})
