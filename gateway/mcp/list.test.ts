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
  readonly nextCursor: string | undefined
}

function filtered(text: string, options: Partial<FilterOptions> = {}): Filtered {
  const answer = filterAnswer(Buffer.from(text), { show: isShown, ...options })
  assert.ok(answer.ok, answer.ok ? '' : answer.problem.message)
  return {
    text: Buffer.from(answer.bytes).toString(),
    listed: answer.listed.map(({ kind, name }) => `${kind} ${name}`),
    nextCursor: answer.nextCursor,
  }
}

function refusal(text: string, id?: string): string {
  const answer = filterAnswer(Buffer.from(text), { show: isShown, id })
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
  const { text, listed } = filtered(answer(`{"tools":[${odd.join(',')}]}`))
  assert.equal(text, answer('{"tools":[]}'))
  assert.deepEqual(listed, [])
})

test('an answer of another shape is returned as the very same bytes', () => {
  const others = [
    answer('{"content":[{"type":"text","text":"x"}],"cacheScope":"public","ttlMs":900000}'),
    answer('{"structuredContent":{"tools":[{"name":"x"}]}}'),
    answer('{"tools":{"name":"x"}}'),
    answer('null'),
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"data":{"tools":[{"name":"x"}]}}}',
    '{"error":{"code":1},"jsonrpc":"2.0","id":null}',
    '{"jsonrpc":"2.0","error":{"code":1}}',
    '{"jsonrpc":"2.0","_meta":{"method":"x"},"result":{"method":"x","params":1},"id":"a"}',
  ]
  for (const text of others) {
    const bytes = Buffer.from(text)
    const result = filterAnswer(bytes, { show: () => false, cache: { maxTtlMs: 1 } })
    assert.ok(result.ok)
    assert.equal(result.bytes, bytes)
    assert.deepEqual(result.listed, [])
  }
})

test('a list of which everything is shown is returned as the very same bytes', () => {
  const bytes = Buffer.from(answer('{"tools":[{"name":"a"}],"ttlMs":5,"cacheScope":"private"}'))
  const result = filterAnswer(bytes, { show: isShown, cache: { maxTtlMs: 5 } })
  assert.ok(result.ok)
  assert.equal(result.bytes, bytes)
})

test('several lists in one response are filtered alike', () => {
  const both = '{"tools":[{"name":"x"}],"prompts":[{"name":"x"},{"name":"b"}]}'
  const kept = '{"tools":[],"prompts":[{"name":"b"}]}'
  assert.equal(filtered(answer(both)).text, answer(kept))
})

test('what is not exactly one response is refused', () => {
  const result = answer('{}')
  const others = [
    '"x"',
    'null',
    '[]',
    `[${result}]`,
    `[{"jsonrpc":"2.0","method":"notifications/message"},${result}]`,
    '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}',
    '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"method":"sampling/createMessage"}',
    '{"jsonrpc":"2.0","id":1,"result":{},"params":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","id":1}',
    '{"id":1,"result":{}}',
    '{"jsonrpc":"1.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","result":{}}',
    '{"jsonrpc":"2.0","id":null,"result":{}}',
    '{"jsonrpc":"2.0","id":{"a":1},"result":{}}',
    '{"jsonrpc":"2.0","id":1.0,"error":{}}',
  ]
  for (const text of others) assert.equal(refusal(text), 'invalid_request', text)
})

test('a response to another request than the one that is named is refused', () => {
  assert.equal(refusal(answer('{}'), '1'), 'accepted')
  for (const id of ['2', '"1"', '11'])
    assert.equal(refusal(answer('{}'), id), 'invalid_request', id)
  const error = '{"jsonrpc":"2.0","id":7,"error":{"code":1}}'
  assert.equal(refusal(error, '1'), 'invalid_request')
})

test('an error without an id answers any request', () => {
  for (const text of ['{"jsonrpc":"2.0","error":{}}', '{"jsonrpc":"2.0","error":{},"id":null}']) {
    assert.equal(refusal(text, '1'), 'accepted', text)
  }
})

test('an id may be escaped otherwise than the client wrote it', () => {
  const text = '{"jsonrpc":"2.0","id":"\\u00e9\\/","result":{}}'
  assert.equal(refusal(text, '"é/"'), 'accepted')
  assert.equal(refusal(text, '"e/"'), 'invalid_request')
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

test('the answer to server/discover is kept by its caller alone, and other results as they came', () => {
  const options = { show: isShown, cache: { maxTtlMs: 1_500.7 } }
  const hints = '"ttlMs":900000,"cacheScope":"public"'
  const cut = '"ttlMs":1500,"cacheScope":"private"'
  for (const [before, after] of [
    [`"supportedVersions":["2026-07-28"],${hints}`, `"supportedVersions":["2026-07-28"],${cut}`],
    [`${hints},"supportedVersions":[]`, `${cut},"supportedVersions":[]`],
    [`${hints},"SupportedVersions":[]`, `${hints},"SupportedVersions":[]`],
    [`"content":[],${hints}`, `"content":[],${hints}`],
  ]) {
    const result = filterAnswer(Buffer.from(answer(`{${before}}`)), options)
    assert.ok(result.ok)
    assert.equal(Buffer.from(result.bytes).toString(), answer(`{${after}}`))
  }
})

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
    answer('{"tools":[{"name":"a"},]}'),
    `\ufeff${answer('{"tools":[]}')}`,
    answer('['.repeat(200) + ']'.repeat(200)),
    '{"jsonrpc":"2.0","id":1,"result":{},"Method":"sampling/createMessage"}',
    '{"jsonrpc":"2.0","id":1,"id":2,"result":{}}',
    '{',
  ]
  for (const text of hostile) assert.equal(refusal(text), 'parse_error', text.slice(0, 80))
})

test('a resource of 8 MiB in one string is within bounds', () => {
  const blob = 'A'.repeat(8_388_608)
  const { text } = filtered(answer(`{"contents":[{"uri":"a:b","blob":"${blob}"},{"uri":"x:y"}]}`))
  assert.ok(text.endsWith('"}]}}') && !text.includes('x:y'))
})
