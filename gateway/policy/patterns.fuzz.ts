import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RE2JS } from '@bufbuild/re2'
import * as fc from 'fast-check'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { createPatterns } from './patterns.ts'

const options = fuzzOptions({
  what: 'patterns against the plain engine',
  test: 5_000,
  prove: 100_000,
})

function oneOf(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(...text.split(' '))
}

function inRow(...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((texts) => texts.join(''))
}

function joined(part: fc.Arbitrary<string>, by: string, maxLength: number): fc.Arbitrary<string> {
  return fc.array(part, { minLength: 1, maxLength }).map((parts) => parts.join(by))
}

/** What anchors, what could be taken for it, and what quotes, turns flags and matches little. */
const ATOMS = String.raw`^ $ \A \z \b \B a b B / . .* a+ b? [ab] [^a] [|^] \^ \$ \Q \E b{2} 😀 \x{d83d} (?i) (?m)`

const atoms = oneOf(ATOMS)
const groups = inRow(
  oneOf('( (?: (?i: (?m:'),
  joined(joined(atoms, '', 2), '|', 2),
  oneOf(') )? )+'),
)
const terms = fc.oneof({ weight: 4, arbitrary: atoms }, { weight: 1, arbitrary: groups })
const beginnings = fc.constantFrom('', '', '^', '^', String.raw`\A`, '(^', '(?m)^', '(?i)^')
const patterns = inRow(
  beginnings,
  joined(joined(terms, '', 3), '|', 2),
  fc.constantFrom('', '', ')'),
)

const texts = joined(fc.constantFrom('a', 'b', 'B', '/', '\n', '^', '😀', '\ud83d'), '', 5)

function compiled(text: string): RE2JS | undefined {
  try {
    return RE2JS.compile(text)
  } catch {
    return undefined
  }
}

test('a pattern says of every text what the plain engine says', () => {
  let [asked, matched] = [0, 0]
  const property = fc.property(patterns, fc.array(texts, { maxLength: 8 }), (text, sent) => {
    const plain = compiled(text)
    if (plain === undefined) {
      assert.throws(() => createPatterns().compile(text))
      return
    }
    const pattern = createPatterns().compile(text)
    for (const one of ['', ...sent]) {
      const expected = plain.test(one)
      asked += 1
      if (expected) matched += 1
      assert.equal(pattern.test(one), expected, JSON.stringify(one))
    }
  })
  fc.assert(property, options)
  assert.ok(matched > options.numRuns / 10 && matched < asked / 1.1, `${matched} of ${asked}`)
})
