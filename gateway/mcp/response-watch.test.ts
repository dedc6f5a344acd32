import assert from 'node:assert/strict'
import { test } from 'node:test'

import { filterAnswer } from './list.ts'
import { watchResponse } from './response-watch.ts'

/** What is wrong with a text in pieces of this size; `passed` when nothing is. */
function verdict(text: string, pieceBytes = Infinity, id = '1'): string {
  const watch = watchResponse(id, 'legacy')
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const problem = watch.push(bytes.subarray(at, at + pieceBytes))
    if (problem !== undefined) return problem
  }
  return watch.end() ?? 'passed'
}

/** The verdict, which must not depend on where chunks part. */
function watched(text: string, id = '1'): string {
  const whole = verdict(text, Infinity, id)
  for (const pieceBytes of [1, 2, 3, 7]) assert.equal(verdict(text, pieceBytes, id), whole, text)
  return whole
}

const GOOD = [
  '{"jsonrpc":"2.0","id":1,"result":{}}',
  ' \r\n\t{ "result" : { "content" : [ ] } , "jsonrpc" : "2.0" , "id" : 1 } \n',
  '{"jsonrpc":"2.0","id":1,"result":null}',
  '{"jsonrpc":"2.0","id":1,"result":["method","params",{"tools":[]}]}',
  '{"jsonrpc":"2.0","id":1,"result":{"method":"x","params":[1],"id":2,"jsonrpc":"1"}}',
  '{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"tools":[{"name":"x"}]}}}',
  '{"jsonrpc":"2.0","id":1,"result":{"tools":{"name":"x"},"prompts":"[","resources":-1.5e3}}',
  '{"jsonrpc":"2.0","id":1,"result":{"a\\"}]":"\\\\","b":"\\u0022},\\"method\\":"}}',
  '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x","data":{"method":"x","tools":[]}}}',
  '{"jsonrpc":"2.0","id":null,"error":{"code":1}}',
  '{"jsonrpc":"2.0","error":{"code":1}}',
  '{"jsonrpc":"2.0","id":1,"result":{},"_extra":[{"method":1}]}',
  '{"jsonrpc":"2.0","id":1,"result":{"é":"é"}}',
]

for (const text of GOOD) {
  test(`one response passes: ${text.trim()}`, () => {
    assert.equal(watched(text), 'passed')
    assert.equal(filterAnswer(Buffer.from(text), { show: () => true, id: '1' }).ok, true)
  })
}

const NOT_ONE_RESPONSE = [
  '[{"jsonrpc":"2.0","id":1,"result":{}}]',
  '"x"',
  '1',
  '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}',
  '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}',
  '{"jsonrpc":"2.0","id":1,"result":{},"method":"sampling/createMessage"}',
  '{"jsonrpc":"2.0","id":1,"result":{},"\\u006dethod":"sampling/createMessage"}',
  '{"jsonrpc":"2.0","id":1,"result":{},"Method":"sampling/createMessage"}',
  '{"jsonrpc":"2.0","id":1,"result":{},"ｍethod":"sampling/createMessage"}',
  '{"jsonrpc":"2.0","id":1,"result":{},"params":{}}',
  '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
  '{"jsonrpc":"2.0","id":1,"result":{},"result":{}}',
  '{"jsonrpc":"2.0","id":1}',
  '{"id":1,"result":{}}',
  '{"jsonrpc":"1.0","id":1,"result":{}}',
  '{"jsonrpc":["2.0"],"id":1,"result":{}}',
  '{"jsonrpc":"2.0","result":{}}',
  '{"jsonrpc":"2.0","id":null,"result":{}}',
  '{"jsonrpc":"2.0","id":{"a":1},"result":{}}',
  '{"jsonrpc":"2.0","id":1.0,"result":{}}',
  '{"jsonrpc":"2.0","id":2,"result":{}}',
  '{"jsonrpc":"2.0","id":"1","result":{}}',
  '{"jsonrpc":"2.0","id":1,"id":1,"result":{}}',
  '{"jsonrpc":"2.0","id":1,"result":{}} {"jsonrpc":"2.0","id":1,"method":"ping"}',
  '{"jsonrpc":"2.0","id":1,"result":{}}]',
  '{"jsonrpc":"2.0","id":1,"result":{}',
  '{"jsonrpc":"2.0","id":1,"result":"',
  '',
  '\ufeff{"jsonrpc":"2.0","id":1,"result":{}}',
  '{"jsonrpc":"2.0","id":1,"result":"a\nb"}',
  '{\u0000"jsonrpc":"2.0","id":1,"result":{}}',
]

for (const text of NOT_ONE_RESPONSE) {
  test(`what is not exactly one response is stopped: ${JSON.stringify(text)}`, () => {
    assert.notEqual(watched(text), 'passed')
    assert.equal(filterAnswer(Buffer.from(text), { show: () => true, id: '1' }).ok, false)
  })
}

const LISTS = ['tools', 'prompts', 'resources', 'resourceTemplates', 'contents', 't\\u006fols']

for (const list of LISTS) {
  test(`a result with an array as ${list} is stopped`, () => {
    const text = `{"result":{"a":[{"b":[]}],"${list}" : [{"name":"x"}]},"jsonrpc":"2.0","id":1}`
    assert.equal(watched(text), 'A list is too large to be filtered')
  })
}

test('a member that could be mistaken for a list is stopped', () => {
  const text = '{"jsonrpc":"2.0","id":1,"result":{"Tools":[{"name":"x"}]}}'
  assert.match(watched(text), /mistaken/)
})

test('an id may be escaped otherwise than the client wrote it', () => {
  const text = '{"jsonrpc":"2.0","id":"\\u00e9","result":{}}'
  assert.equal(watched(text, '"é"'), 'passed')
  assert.notEqual(watched(text, '"e"'), 'passed')
})

test('nothing behind the last bracket is needed to see that an answer is wrong', () => {
  const text = '{"jsonrpc":"2.0","result":{"content":[]},"id":2}'
  const watch = watchResponse('1', 'legacy')
  assert.equal(watch.push(Buffer.from(text.slice(0, -1))), undefined)
  assert.notEqual(watch.push(Buffer.from('}')), undefined)
})

test('names and ids that are too long to be kept stop the answer, as do too many names', () => {
  const long = 'x'.repeat(3_000)
  assert.match(watched(`{"jsonrpc":"2.0","id":1,"result":{"${long}":1}}`), /too long/)
  assert.match(watched(`{"jsonrpc":"2.0","id":"${long}","result":{}}`), /too long/)
  const many = Array.from({ length: 100_001 }, (_, at) => `"${at}":0`).join(',')
  assert.match(verdict(`{"jsonrpc":"2.0","id":1,"result":{${many}}}`), /too many members/)
  const odd = (count: number): string =>
    Array.from({ length: count }, (_, at) => `"é${at}":0`).join(',')
  assert.equal(verdict(`{"jsonrpc":"2.0","id":1,"result":{${odd(1_000)}}}`), 'passed')
  assert.notEqual(verdict(`{"jsonrpc":"2.0","id":1,"result":{${odd(1_001)}}}`), 'passed')
})

test('deep and long values inside a result are passed without being kept', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const text = `{"jsonrpc":"2.0","id":1,"result":{"content":${deep},"blob":"${'A'.repeat(1_000_000)}"}}`
  assert.equal(verdict(text, 16_384), 'passed')
})

/** What an answer of the modern era says of itself, or what is wrong with it, wherever chunks part. */
function says(text: string): string {
  const bytes = Buffer.from(text)
  const heard = [Infinity, 1, 3].map((pieceBytes) => {
    const watch = watchResponse('1', 'modern')
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const problem = watch.push(bytes.subarray(at, at + pieceBytes))
      if (problem !== undefined) return problem
    }
    return watch.end() ?? watch.says
  })
  assert.equal(new Set(heard).size, 1, text)
  return heard[0]!
}

function modern(result: string): string {
  return `{"jsonrpc":"2.0","id":1,"result":${result}}`
}

test('a modern answer says what it is by the type of its result, wherever that stands', () => {
  assert.equal(says(modern('{"resultType":"input_required"}')), 'input_required')
  assert.equal(
    says(modern('{"a":[{}],"result\\u0054ype":"input_\\u0072equired"}')),
    'input_required',
  )
  assert.equal(says(modern('{"resultType" : "complete","content":[]}')), 'other')
  assert.equal(says(modern('{"resultType":7}')), 'other')
  assert.equal(says(modern('{"content":[]}')), 'nothing')
  assert.equal(says(modern('{"content":[{"resultType":"input_required"}]}')), 'nothing')
  assert.equal(says(modern('["resultType","input_required"]')), 'nothing')
  const error = '{"code":1,"message":"x","resultType":"input_required"}'
  assert.equal(says(`{"jsonrpc":"2.0","id":1,"error":${error}}`), 'error')
})

test('of two types the one that asks for more counts', () => {
  const [asks, ends] = ['"resultType":"input_required"', '"resultType":"complete"']
  assert.equal(says(modern(`{${asks},${ends}}`)), 'input_required')
  assert.equal(says(modern(`{${ends},${asks}}`)), 'input_required')
})

test('a modern result has no look-alike of a member that makes a round, a legacy one may', () => {
  for (const name of ['ResultType', 'request_state', 'inputrequests', 'input\u200bRequests']) {
    const text = modern(`{"${name}":"x"}`)
    assert.match(says(text), /mistaken/)
    assert.equal(watched(text), 'passed')
  }
  assert.match(says(modern('{"resultType":{}}')), /containers/)
  assert.equal(watched(modern('{"resultType":{}}')), 'passed')
})
