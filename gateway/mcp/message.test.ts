import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from './message.ts'
import { scan } from './scan.ts'

function read(text: string): Message {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, scanned.ok ? '' : scanned.problem.message)
  return scanned.messages[0]!
}

function withParams(params: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"x","params":${params}}`
}

test('every replaceable value has its span, quotes and brackets included', () => {
  const text = withParams(
    `{ "requestId" : "r\\u0031" , "taskId":"t ü", "requestState":"s\\n" ,
    "notifications":{"taskIds": ["a","b"] ,"resourceSubscriptions":[ ]}}`,
  ).replace('"id":1', '"id" : "i"')
  const { spans } = read(text)
  const bytes = Buffer.from(text)
  const found = Object.entries(spans).map(([name, span]) => [
    name,
    bytes.subarray(span.start, span.end).toString(),
  ])
  assert.deepEqual(Object.fromEntries(found), {
    id: '"i"',
    requestId: '"r\\u0031"',
    taskId: '"t ü"',
    requestState: '"s\\n"',
    taskIds: '["a","b"]',
    resourceSubscriptions: '[ ]',
  })
})

test('a replaceable value of the wrong type has a span and no text', () => {
  const { params, spans } = read(withParams('{"requestState":7,"taskId":null,"requestId":1.5}'))
  assert.deepEqual(
    [params?.requestState, params?.taskId, params?.requestId],
    [undefined, undefined, undefined],
  )
  assert.deepEqual(Object.keys(spans).toSorted(), ['id', 'requestId', 'requestState', 'taskId'])
})

test('a message without replaceable values has no spans', () => {
  assert.deepEqual(read('{"jsonrpc":"2.0","method":"notifications/initialized"}').spans, {})
})

test('texts of params are decoded, whatever their order and spacing', () => {
  const { params } = read(
    withParams('{"protocolVersion":"2025-11-25","uri":"file:///\\u00e9","name":"näme"}'),
  )
  assert.equal(params?.protocolVersion, '2025-11-25')
  assert.equal(params?.uri, 'file:///é')
  assert.equal(params?.name, 'näme')
})

test('a name that is no string is no name', () => {
  for (const name of ['1', 'null', '["echo"]', '{"name":"echo"}', 'true']) {
    assert.equal(read(withParams(`{"name":${name}}`)).params?.name, undefined)
  }
})

test('a name inside another member is not the name', () => {
  const { params } = read(withParams('{"context":{"name":"a"},"task":{"taskId":"t"},"x":"name"}'))
  assert.equal(params?.name, undefined)
  assert.equal(params?.taskId, undefined)
})

test('ref gives its three texts, and is nothing when it is no object', () => {
  assert.deepEqual(read(withParams('{"ref":{"type":"ref/prompt","name":"p"}}')).params?.ref, {
    type: 'ref/prompt',
    name: 'p',
    uri: undefined,
  })
  assert.equal(read(withParams('{"ref":"ref/prompt"}')).params?.ref, undefined)
})

function listen(notifications: string): unknown {
  return read(withParams(`{"notifications":${notifications}}`)).params?.listening
}

test('listening gives URIs and task ids, and is nothing when one of them is no list of strings', () => {
  assert.deepEqual(listen('{"taskIds":["t"],"resourceSubscriptions":["a","b"]}'), {
    resources: ['a', 'b'],
    tasks: ['t'],
    lists: [],
  })
  assert.equal(listen('{"resourceSubscriptions":["a",1]}'), undefined)
  assert.equal(listen('{"resourceSubscriptions":"a"}'), undefined)
  assert.equal(listen('{"taskIds":{}}'), undefined)
  assert.equal(listen('[]'), undefined)
})

test('listening gives the lists whose changes are wanted', () => {
  const lists = (notifications: string): unknown =>
    (listen(notifications) as { lists: unknown } | undefined)?.lists
  assert.deepEqual(
    lists('{"resourcesListChanged":true,"toolsListChanged":true,"promptsListChanged":true}'),
    ['resources', 'tools', 'prompts'],
  )
  for (const value of ['false', '1', '"true"', 'null', '{}']) {
    assert.deepEqual(lists(`{"toolsListChanged":${value}}`), [], value)
  }
})

function meta(text: string): unknown {
  return read(withParams(`{"_meta":${text}}`)).params?.meta
}

test('_meta tells a modern claim, its version, what is declared, and the trace', () => {
  const none = { traceparent: undefined, tracestate: undefined }
  const version = '"io.modelcontextprotocol/protocolVersion"'
  const capabilities = '"io.modelcontextprotocol/clientCapabilities"'
  assert.deepEqual(meta(`{${capabilities}:{"a":{},"sampling":{}},${version}:"2026-07-28"}`), {
    claimsModern: true,
    protocolVersion: '2026-07-28',
    clientCapabilities: ['sampling'],
    ...none,
  })
  assert.deepEqual(meta(`{${version}:7,${capabilities}:[]}`), {
    claimsModern: true,
    protocolVersion: undefined,
    clientCapabilities: undefined,
    ...none,
  })
  assert.deepEqual(meta('{"progressToken":1,"com.example/x":{}}'), {
    claimsModern: false,
    protocolVersion: undefined,
    clientCapabilities: undefined,
    ...none,
  })
  assert.deepEqual(meta('{"traceparent":"00-1","tracestate":["a"]}'), {
    claimsModern: false,
    protocolVersion: undefined,
    clientCapabilities: undefined,
    traceparent: '00-1',
    tracestate: undefined,
  })
})

test('the related task of a message is found where it stands', () => {
  const related = '"io.modelcontextprotocol/related-task"'
  const text = withParams(`{"_meta":{${related}:{"x":1,"taskId":"t-1"}}}`)
  const span = read(text).spans.relatedTask
  assert.equal(text.slice(span?.start, span?.end), '"t-1"')
  assert.equal(read(withParams(`{"_meta":{${related}:"t-1"}}`)).spans.relatedTask, undefined)
  const odd = scan(Buffer.from(withParams(`{"_meta":{${related}:{"taskId":7}}}`)))
  assert.ok(!odd.ok && odd.problem.code === 'invalid_params')
})

test('a claim inside another object is none', () => {
  const { params } = read(
    withParams('{"arguments":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}'),
  )
  assert.equal(params?.meta, undefined)
})

test('arguments fit when they are an object or null', () => {
  const fit = (text: string) => read(withParams(`{"arguments":${text}}`)).params?.argumentsFit
  assert.deepEqual(['{}', 'null', '[]', '"x"', '1'].map(fit), [true, true, false, false, false])
  assert.equal(read(withParams('{}')).params?.argumentsFit, true)
})
