import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterAnswer } from './list.ts'

/** What a client is shown of a result, each state in brackets, and what it is asked. */
function shown(result: string, isModern = true): readonly [string, readonly string[] | undefined] {
  const text = `{"jsonrpc":"2.0","id":1,"result":${result}}`
  const filtered = filterAnswer(Buffer.from(text), {
    show: (_kind, name) => !name.startsWith('x'),
    ...(isModern && {
      sealState: (state) => (state.includes('long') ? undefined : `[${state.replaceAll('"', '')}]`),
    }),
  })
  if (!filtered.ok) return [filtered.problem.message, undefined]
  const { bytes, inputs } = filtered
  const asked = inputs?.map(({ method, mode }) =>
    mode === undefined ? method : `${method} ${mode}`,
  )
  return [Buffer.from(bytes).toString().slice(text.indexOf(result), -1), asked]
}

const ASKS = '"resultType":"input_required"'

test('the state goes sealed, as its bytes read, before or after the type of the result', () => {
  assert.deepEqual(shown(`{${ASKS},"requestState":"s"}`), [`{${ASKS},"requestState":"[s]"}`, []])
  assert.deepEqual(shown(`{"requestState" : "é\\u00e9" ,${ASKS}}`), [
    `{"requestState" : "[é\\u00e9]" ,${ASKS}}`,
    [],
  ])
})

test('what is asked is told in order', () => {
  const requests = '{"a":{"method":"roots/list"},"b":{"params":{"method":"x"},"\\u006dethod":"m"}}'
  assert.deepEqual(shown(`{"inputRequests":${requests},${ASKS}}`)[1], ['roots/list', 'm'])
  assert.deepEqual(shown(`{${ASKS}}`)[1], [])
})

test('the mode of what is asked is told, and one that readers may take for another is none', () => {
  const mode = (params: string): string | undefined =>
    shown(`{${ASKS},"inputRequests":{"a":{"method":"m","params":${params}}}}`)[1]?.[0]
  assert.equal(mode('{"mode":"url","x":{"mode":"form"}}'), 'm url')
  assert.equal(mode('{"m\\u006fde":"url"}'), 'm url')
  for (const params of ['{}', '[]', '{"x":"url"}']) assert.equal(mode(params), 'm', params)
  for (const params of ['{"mode":7}', '{"Mode":"url"}', '{"mode":"form","MODE":"url"}']) {
    assert.equal(mode(params), 'm ', params)
  }
})

test('a state is sealed among the other changes of a result', () => {
  const result = `{"contents":[{"uri":"x"},{"uri":"a"}],"requestState":"s",${ASKS},"tools":[{"name":"x"}]}`
  const [text] = shown(result)
  assert.equal(text, `{"contents":[{"uri":"a"}],"requestState":"[s]",${ASKS},"tools":[]}`)
})

test('any other result keeps what it has under these names', () => {
  const kept = [
    '{"resultType":"complete","requestState":"s","inputRequests":{"a":{"method":"m"}}}',
    '{"requestState":7,"inputRequests":[]}',
    `{"content":[{${ASKS},"requestState":"s"}]}`,
  ]
  for (const result of kept) assert.deepEqual(shown(result), [result, undefined])
  const legacy = `{${ASKS},"requestState":"s","request_state":1}`
  assert.deepEqual(shown(legacy, false), [legacy, undefined])
})

test('an unfit result that asks for more is refused', () => {
  const unfit = [
    ['"requestState":7', /must be a string/],
    ['"requestState":null', /must be a string/],
    ['"requestState":"long"', /so long/],
    ['"inputRequests":[]', /must be an object/],
    ['"inputRequests":{"a":1}', /must hold requests/],
    ['"inputRequests":{"a":{}}', /must hold requests/],
    ['"inputRequests":{"a":{"method":7}}', /must hold requests/],
    ['"inputRequests":{"a":{"method":"roots/list","Method":"x"}}', /must hold requests/],
    ['"inputRequests":{"a":{"method":"a\\u0000"}}', /must hold requests/],
    ['"inputRequests":{"a":{"method":"m","method":"n"}}', /twice/],
    ['"request_state":"s"', /mistaken/],
    ['"InputRequests":{}', /mistaken/],
    ['"requestState":"s","requestState":"t"', /twice/],
  ] as const
  for (const [member, problem] of unfit) {
    assert.match(shown(`{${member},${ASKS}}`)[0], problem, member)
    assert.match(shown(`{${ASKS},${member}}`)[0], problem, member)
  }
})

test('a hundred requests may be asked in one result, and not one more', () => {
  const asking = (count: number): string => {
    const requests = Array.from({ length: count }, (_, at) => `"k${at}":{"method":"roots/list"}`)
    return `{${ASKS},"inputRequests":{${requests.join(',')}}}`
  }
  assert.equal(shown(asking(100))[1]?.length, 100)
  assert.match(shown(asking(101))[0], /too many/)
})

test('where a person is sent is told, and what readers may take for another place is nowhere', () => {
  const url = (params: string): unknown => {
    const text = `{"jsonrpc":"2.0","id":1,"result":{${ASKS},"inputRequests":{"a":{"method":"m","params":${params}}}}}`
    const read = filterAnswer(Buffer.from(text), { show: () => true, sealState: () => undefined })
    return read.ok && read.inputs?.[0]?.url
  }
  assert.equal(url('{"mode":"url","url":"https://a.test"}'), 'https://a.test')
  assert.equal(url(String.raw`{"\u0075rl":"https:\/\/a.test"}`), 'https://a.test')
  assert.equal(url('{"mode":"url"}'), undefined)
  for (const params of [
    '{"url":7}',
    '{"URL":"https://a.test"}',
    '{"url":"https://a.test","Url":1}',
  ]) {
    assert.equal(url(params), '', params)
  }
})

test('a task asks in a result that is complete, and no other result does', () => {
  const asks = '"inputRequests":{"a":{"method":"roots/list"}}'
  const task = '"resultType":"complete","taskId":"t","status":"input_required"'
  assert.deepEqual(shown(`{${task},${asks}}`)[1], ['roots/list'])
  assert.deepEqual(shown(`{${asks},${task}}`)[1], ['roots/list'])
  assert.equal(shown(`{${task}}`)[1], undefined)
  assert.equal(shown(`{"resultType":"complete",${asks}}`)[1], undefined)
  assert.match(shown(`{${task},"inputRequests":[]}`)[0], /must be an object/)
  assert.equal(shown(`{${task},${asks}}`, false)[1], undefined)
})
