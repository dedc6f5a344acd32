import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Sink, Source } from './answer.ts'
import { createRedactor } from './redact.ts'

const SECRET = 'tok-0123456789abcdef'

function redactor(value = `Bearer ${SECRET}`) {
  let hits = 0
  const made = createRedactor(value, () => {
    hits += 1
  })
  assert.ok(made)
  return { ...made, hits: () => hits }
}

function stream(chunks: readonly string[]): { text: string; hits: number } {
  const made = redactor()
  const out: Uint8Array[] = []
  const source: Source = {
    pipe(sink) {
      for (const chunk of chunks) sink.write(Buffer.from(chunk))
      sink.end()
    },
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const sink: Sink = {
    write: (chunk) => out.push(chunk) > 0,
    end: () => undefined,
    fail: (error) => assert.fail(String(error)),
  }
  made.source(source).pipe(sink)
  return { text: Buffer.concat(out).toString(), hits: made.hits() }
}

test('a credential in a whole answer is taken out, every time it stands there', () => {
  const made = redactor()
  const text = Buffer.from(made.whole(Buffer.from(`a ${SECRET} b Bearer ${SECRET}`))).toString()
  assert.equal(text, 'a [redacted] b Bearer [redacted]')
  assert.equal(made.hits(), 2)
})

test('an answer without the credential is the same object', () => {
  const bytes = Buffer.from('nothing here')
  assert.equal(redactor().whole(bytes), bytes)
})

test('a credential split over chunks at any place is taken out of a stream', () => {
  const text = `x${SECRET}y`
  for (let at = 0; at <= text.length; at++) {
    const streamed = stream([text.slice(0, at), text.slice(at)])
    assert.equal(streamed.text, 'x[redacted]y')
    assert.equal(streamed.hits, 1)
  }
  assert.equal(stream(text.split('')).text, 'x[redacted]y')
})

test('what only begins like the credential comes through whole', () => {
  const begun = SECRET.slice(0, -1)
  assert.equal(stream([`a${begun}`, 'Z', begun]).text, `a${begun}Z${begun}`)
})

test('a value whose last word is short is looked for as a whole', () => {
  for (const value of ['Token id-4711 abc', 'opaque-secret ']) {
    const made = redactor(value)
    const text = Buffer.from(made.whole(Buffer.from(`a ${value}, abc`))).toString()
    assert.equal(text, 'a [redacted], abc')
  }
})

test('a value of fewer than eight bytes is no secret', () => {
  const made = createRedactor('abc 123', () => undefined)
  assert.equal(made, undefined)
})

test('a server without a credential needs no redactor', () => {
  assert.equal(
    createRedactor(undefined, () => undefined),
    undefined,
  )
})
