import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fuzzOptions } from '../testkit/fuzz.ts'
import { createKnownLists } from './known-lists.ts'
import { filterAnswer } from './list.ts'

const RUNS = fuzzOptions({ what: 'lists filtered in place', test: 5_000, prove: 100_000 })

/** White space anywhere JSON allows it. */
const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n  ')

/** The members of an element besides its name, the name first or last, and whether it is shown. */
const element = fc.record({
  rest: fc.jsonValue({ maxDepth: 2 }),
  nameFirst: fc.boolean(),
  shown: fc.boolean(),
  before: space,
  after: space,
})

type Element = typeof element extends fc.Arbitrary<infer T> ? T : never
type Answer = { result: { tools: { name: string }[]; nextCursor?: string } }

function nameOf(index: number): string {
  return `tool ${index}`
}

function textOf({ rest, nameFirst }: Element, index: number): string {
  const name = nameOf(index)
  return JSON.stringify(nameFirst ? { name, rest } : { rest, name })
}

function answerOf(tools: readonly string[], cursor: string | undefined): string {
  const next = cursor === undefined ? '' : `,"nextCursor":${JSON.stringify(cursor)}`
  return `{"jsonrpc":"2.0","id":1,"result":{"tools":[${tools.join(',')}]${next}}}`
}

function filter(text: string, elements: readonly Element[]): string {
  const shown = new Set(elements.flatMap((element, i) => (element.shown ? [nameOf(i)] : [])))
  const answer = filterAnswer(Buffer.from(text), { show: (_kind, name) => shown.has(name) })
  assert.ok(answer.ok)
  assert.deepEqual(
    answer.listed.map(({ name }) => name),
    elements.map((_element, i) => nameOf(i)),
  )
  return Buffer.from(answer.bytes).toString()
}

test('filtering by slicing gives what parsing and filtering gives', () => {
  fc.assert(
    fc.property(
      fc.array(element),
      fc.option(fc.string(), { nil: undefined }),
      (elements, cursor) => {
        const texts = elements.map((one, i) => `${one.before}${textOf(one, i)}${one.after}`)
        const text = answerOf(texts, cursor)
        const expected: Answer = JSON.parse(text)
        expected.result.tools = expected.result.tools.filter((_tool, i) => elements[i]?.shown)
        assert.deepEqual(JSON.parse(filter(text, elements)), expected)
      },
    ),
    RUNS,
  )
})

test('what is kept is kept byte for byte', () => {
  fc.assert(
    fc.property(fc.array(element), (elements) => {
      const texts = elements.map(textOf)
      const kept = texts.filter((_text, i) => elements[i]?.shown)
      assert.equal(filter(answerOf(texts, 'c'), elements), answerOf(kept, 'c'))
    }),
    RUNS,
  )
})

test('a list that is known is filtered as one that is not', () => {
  const known = createKnownLists()
  fc.assert(
    fc.property(
      fc.array(element, { minLength: 8, maxLength: 20 }),
      fc.string(),
      (elements, cursor) => {
        const texts = elements.map((one, i) => `${one.before}${textOf(one, i)}${one.after}`)
        const bytes = Buffer.from(answerOf(texts, cursor))
        const show = (_kind: string, name: string) =>
          elements[Number(name.slice(5))]?.shown === true
        const fresh = filterAnswer(bytes, { show })
        filterAnswer(bytes, { show: () => false, known })
        const again = filterAnswer(bytes, { show, known })
        assert.ok(fresh.ok && again.ok)
        assert.deepEqual({ ...again, news: true, tools: fresh.tools }, fresh)
      },
    ),
    RUNS,
  )
})
