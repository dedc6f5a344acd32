import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TargetKind } from '../model/call.ts'
import { filterAnswer, type FilterOptions } from './list.ts'

/** Shows names that do not start with `x`. */
function isShown(_kind: TargetKind, name: string): boolean {
  return !name.startsWith('x')
}

type Filtered = {
  readonly text: string
  readonly listed: readonly string[]
  readonly hidden: number
  readonly nextCursor: string | undefined
}

function filtered(text: string, options: Partial<FilterOptions> = {}): Filtered {
  const answer = filterAnswer(Buffer.from(text), { show: isShown, ...options })
  assert.ok(answer.ok, answer.ok ? '' : answer.problem.message)
  assert.equal(answer.hasNextCursor, answer.nextCursor !== undefined)
  return {
    text: Buffer.from(answer.bytes).toString(),
    listed: answer.listed.map(({ kind, name }) => `${kind} ${name}`),
    hidden: answer.hidden,
    nextCursor: answer.nextCursor,
  }
}

function refusal(text: string): string {
  const answer = filterAnswer(Buffer.from(text), { show: isShown })
  return answer.ok ? 'accepted' : answer.problem.code
}

function answer(result: string): string {
  return `{"jsonrpc":"2.0","id":1,"result":${result}}`
}

/** The array of tools between brackets, in and out. */
const SLICES: readonly (readonly [string, string])[] = [
  ['', ''],
  [' ', ' '],
  ['{"name":"a"}', '{"name":"a"}'],
  ['{"name":"x"}', ''],
  [' {"name":"x"} ', '  '],
  ['{"name":"a"},{"name":"x"}', '{"name":"a"}'],
  ['{"name":"x"},{"name":"a"}', '{"name":"a"}'],
  ['{"name":"a"},{"name":"x"},{"name":"b"}', '{"name":"a"},{"name":"b"}'],
  ['{"name":"x"},{"name":"x2"},{"name":"a"}', '{"name":"a"}'],
  ['{"name":"a"},{"name":"x"},{"name":"x2"}', '{"name":"a"}'],
  ['{"name":"x"},{"name":"x2"},{"name":"x3"}', ''],
  ['\n  {"name":"a"},\n  {"name":"x"},\n  {"name":"b"}\n', '\n  {"name":"a"},\n  {"name":"b"}\n'],
  ['{"name":"x"}\n,\n{"name":"a" , "n":1.50}', '{"name":"a" , "n":1.50}'],
]

for (const [before, after] of SLICES) {
  test(`of tools ${JSON.stringify(before)} remain ${JSON.stringify(after)}`, () => {
    const [front, end] = ['{"_meta":{"a":1},"tools":[', '],"nextCursor":""}']
    assert.equal(filtered(answer(front + before + end)).text, answer(front + after + end))
  })
}

const SHAPES: readonly (readonly [string, string, string])[] = [
  ['tools', 'name', 'tool'],
  ['prompts', 'name', 'prompt'],
  ['resources', 'uri', 'resource'],
  ['resourceTemplates', 'uriTemplate', 'template'],
  ['contents', 'uri', 'resource'],
]

for (const [list, member, kind] of SHAPES) {
  test(`${list} are filtered by ${member} as ${kind}, and told hidden ones included`, () => {
    const text = answer(`{"${list}":[{"${member}":"x:1"},{"t":"","${member}":"\\u0061:2"}]}`)
    assert.deepEqual(filtered(text), {
      text: answer(`{"${list}":[{"t":"","${member}":"\\u0061:2"}]}`),
      listed: [`${kind} x:1`, `${kind} a:2`],
      hidden: 1,
      nextCursor: undefined,
    })
  })
}

test('an element whose name cannot be trusted goes and is not told', () => {
  const odd = [
    '1',
    'null',
    '"a"',
    '["a"]',
    '{}',
    '{"name":1}',
    '{"name":null}',
    '{"title":"a"}',
    '{"Name":"a"}',
    '{"name":"a","NAME":"x"}',
    '{"name":"a","name\\u0000":"x"}',
    '{"name":"a","\\uff4eame":"x"}',
    '{"name":"a\\ud800"}',
    '{"name":"a\\u0000"}',
  ]
  const { text, listed, hidden } = filtered(answer(`{"tools":[${odd.join(',')}]}`))
  assert.equal(text, answer('{"tools":[]}'))
  assert.deepEqual(listed, [])
  assert.equal(hidden, odd.length)
})

test('an answer of another shape is returned as the very same bytes', () => {
  const others = [
    answer('{"content":[{"type":"text","text":"x"}],"cacheScope":"public","ttlMs":900000}'),
    answer('{"structuredContent":{"tools":[{"name":"x"}]}}'),
    answer('{"tools":{"name":"x"}}'),
    answer('null'),
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"data":{"tools":[{"name":"x"}]}}}',
    '{"jsonrpc":"2.0","method":"notifications/tasks","params":{"tools":[{"name":"x"}]}}',
    '"x"',
  ]
  for (const text of others) {
    const bytes = Buffer.from(text)
    const result = filterAnswer(bytes, { show: () => false, cache: { maxTtlMs: 1 } })
    assert.ok(result.ok)
    assert.equal(result.bytes, bytes)
    assert.deepEqual([result.listed, result.hidden], [[], 0])
  }
})

test('a list of which everything is shown is returned as the very same bytes', () => {
  const bytes = Buffer.from(answer('{"tools":[{"name":"a"}],"ttlMs":5,"cacheScope":"private"}'))
  const result = filterAnswer(bytes, { show: isShown, cache: { maxTtlMs: 5 } })
  assert.ok(result.ok)
  assert.equal(result.bytes, bytes)
})

test('several lists and several answers are filtered alike', () => {
  const both = '{"tools":[{"name":"x"}],"prompts":[{"name":"x"},{"name":"b"}]}'
  const result = filtered(`[${answer(both)}, ${answer(both)}]`)
  const kept = '{"tools":[],"prompts":[{"name":"b"}]}'
  assert.equal(result.text, `[${answer(kept)}, ${answer(kept)}]`)
  assert.equal(result.hidden, 4)
})

test('the cursor is told, an empty one too, and stays where it is', () => {
  assert.equal(filtered(answer('{"tools":[],"nextCursor":""}')).nextCursor, '')
  assert.equal(filtered(answer('{"nextCursor":"\\u00e9","tools":[]}')).nextCursor, 'é')
  assert.equal(filtered(answer('{"tools":[],"nextCursor":null}')).nextCursor, undefined)
})

/** Members before the list, and what becomes of them with a bound of 60,000 ms. */
const CACHE: readonly (readonly [string, string])[] = [
  ['"cacheScope":"public"', '"cacheScope":"private"'],
  ['"cacheScope": "private"', '"cacheScope": "private"'],
  ['"cacheScope":null', '"cacheScope":"private"'],
  ['"cacheScope":{"a":[1]}', '"cacheScope":"private"'],
  ['"ttlMs":59999', '"ttlMs":59999'],
  ['"ttlMs":60000', '"ttlMs":60000'],
  ['"ttlMs":60001', '"ttlMs":60000'],
  ['"ttlMs":1e300', '"ttlMs":60000'],
  ['"ttlMs":1e999', '"ttlMs":60000'],
  ['"ttlMs":-1', '"ttlMs":0'],
  ['"ttlMs":"900000"', '"ttlMs":0'],
  ['"ttlMs":null', '"ttlMs":0'],
]

for (const [before, after] of CACHE) {
  test(`with a cache bound ${before} becomes ${after}`, () => {
    const options = { cache: { maxTtlMs: 60_000 } }
    const inFront = filtered(answer(`{${before},"tools":[{"name":"x"}]}`), options)
    assert.equal(inFront.text, answer(`{${after},"tools":[]}`))
    const behind = filtered(answer(`{"tools":[{"name":"x"}],${before}}`), options)
    assert.equal(behind.text, answer(`{"tools":[],${after}}`))
  })
}

test('without a cache bound the cache members stay', () => {
  const text = answer('{"cacheScope":"public","ttlMs":900000,"tools":[]}')
  assert.equal(filtered(text).text, text)
})

test('what readers could take differently is refused', () => {
  const hostile = [
    answer('{"tools":[],"tools":[{"name":"x"}]}'),
    answer('{"tools":[{"name":"a","name":"x"}]}'),
    answer('{"tools":[],"Tools":[{"name":"x"}]}'),
    answer('{"tool\\u017f":[{"name":"x"}]}'),
    '{"jsonrpc":"2.0","id":1,"Result":{"tools":[{"name":"x"}]}}',
    `${answer('{"tools":[]}')}{}`,
    `[${answer('{"tools":[]}')}`,
    answer('{"tools":[{"name":"a"},]}'),
    `\ufeff${answer('{"tools":[]}')}`,
    answer('['.repeat(200) + ']'.repeat(200)),
    '',
  ]
  for (const text of hostile) assert.equal(refusal(text), 'parse_error', text.slice(0, 80))
})

test('a resource of 8 MiB in one string is within bounds', () => {
  const blob = 'A'.repeat(8_388_608)
  const { hidden } = filtered(answer(`{"contents":[{"uri":"a:b","blob":"${blob}"},{"uri":"x:y"}]}`))
  assert.equal(hidden, 1)
})
