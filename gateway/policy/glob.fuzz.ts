import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { naiveBegins, naiveGlob } from '../testkit/naive-policy.ts'
import { canBeginWith, compileGlob, includesGlob, matchesGlob } from './glob.ts'

const options = fuzzOptions({
  what: 'globs against trying everything',
  test: 20_000,
  prove: 200_000,
})

function pieces(...parts: readonly string[]): fc.Arbitrary<string> {
  const some = fc.array(fc.constantFrom(...parts), { maxLength: 7 })
  return some.map((all) => all.join(''))
}

const globs = pieces('a', 'b', '/', '*', '**', '?', '😀', 'ab')
const texts = pieces('a', 'b', '/', '😀', 'ab')

test('a compiled glob matches what trying everything matches', () => {
  let matched = 0
  const property = fc.property(globs, texts, (glob, text) => {
    const expected = naiveGlob(glob, text)
    if (expected) matched += 1
    assert.equal(matchesGlob(compileGlob(glob), text), expected)
  })
  fc.assert(property, options)
  assert.ok(matched > options.numRuns / 50, `${matched} matched`)
})

test('a compiled glob can begin as trying everything can', () => {
  const property = fc.property(globs, texts, (glob, text) => {
    assert.equal(canBeginWith(compileGlob(glob), text), naiveBegins(glob, text))
  })
  fc.assert(property, options)
})

test('what an included glob matches, the including one matches', () => {
  let included = 0
  const property = fc.property(globs, globs, texts, (outer, inner, text) => {
    if (!includesGlob(compileGlob(outer), compileGlob(inner))) return
    included += 1
    if (naiveGlob(inner, text)) assert.equal(naiveGlob(outer, text), true)
  })
  fc.assert(property, options)
  assert.ok(included > options.numRuns / 100, `${included} included`)
})
