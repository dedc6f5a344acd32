import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call, Direction } from '../model/call.ts'
import type { Malformed } from './malformed.ts'
import type { MirroredHeaders } from './read-call.ts'
import { endSessionCall, openStreamCall, readCall } from './read-call.ts'
import { scan } from './scan.ts'

const NONE: ReadonlySet<string> = new Set()
const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'

type Options = {
  readonly direction?: Direction
  readonly headers?: MirroredHeaders
  readonly extra?: ReadonlySet<string>
}

function read(text: string, options: Options = {}): ReturnType<typeof readCall> {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok, scanned.ok ? '' : scanned.problem.message)
  return readCall({
    message: scanned.messages[0]!,
    direction: options.direction ?? 'up',
    headers: options.headers ?? {},
    extraMethods: options.extra ?? NONE,
  })
}

function accepted(text: string, options?: Options): Call {
  const result = read(text, options)
  assert.ok(result.ok, result.ok ? '' : result.problem.message)
  return result.call
}

function refused(text: string, options?: Options): Malformed {
  const result = read(text, options)
  assert.ok(!result.ok, `accepted: ${text}`)
  return result.problem
}

function request(method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":7,"method":"${method}","params":${params}}`
}

/** A modern request with the headers that mirror it. */
function modern(method: string, params: string, name?: string): readonly [string, Options] {
  const body = request(method, params === '{}' ? `{${META}}` : `{${params.slice(1, -1)},${META}}`)
  return [body, { headers: { protocolVersion: '2026-07-28', method, name } }]
}

function summary({ needs, targets }: Call): string {
  return [needs, ...targets.map(({ kind, name }) => `${kind} ${name}`)].join(', ')
}

/** mcp-reference 1.2: method, params, what the call needs; the eras it exists in; its mirrored name. */
const UP: readonly (readonly [string, string, string, 'legacy' | 'modern' | 'both', string?])[] = [
  ['initialize', '{"protocolVersion":"2025-11-25"}', 'connection', 'legacy'],
  ['server/discover', '{}', 'connection', 'modern'],
  ['ping', '{}', 'connection', 'legacy'],
  ['tools/list', '{}', 'connection', 'both'],
  ['tools/call', '{"name":"echo"}', 'targets, tool echo', 'both', 'echo'],
  ['resources/list', '{"cursor":""}', 'connection', 'both'],
  ['resources/templates/list', '{}', 'connection', 'both'],
  ['resources/read', '{"uri":"a:b"}', 'targets, resource a:b', 'both', 'a:b'],
  ['resources/subscribe', '{"uri":"a:b"}', 'targets, resource a:b', 'legacy'],
  ['resources/unsubscribe', '{"uri":"a:b"}', 'targets, resource a:b', 'legacy'],
  ['prompts/list', '{}', 'connection', 'both'],
  ['prompts/get', '{"name":"p","arguments":{}}', 'targets, prompt p', 'both', 'p'],
  ['completion/complete', '{"ref":{"type":"ref/prompt","name":"p"}}', 'targets, prompt p', 'both'],
  [
    'completion/complete',
    '{"ref":{"type":"ref/resource","uri":"a:{b}"}}',
    'targets, template a:{b}',
    'both',
  ],
  [
    'completion/complete',
    '{"ref":{"type":"ref/resource","uri":"a:b"}}',
    'targets, resource a:b',
    'both',
  ],
  ['logging/setLevel', '{"level":"debug"}', 'connection', 'legacy'],
  [
    'subscriptions/listen',
    '{"notifications":{"resourceSubscriptions":["a:b","a:c"],"taskIds":["t"]}}',
    'targets, resource a:b, resource a:c, task t',
    'modern',
  ],
  ['subscriptions/listen', '{"notifications":{"toolsListChanged":true}}', 'connection', 'modern'],
  ['tasks/get', '{"taskId":"t"}', 'targets, task t', 'both', 't'],
  ['tasks/result', '{"taskId":"t"}', 'targets, task t', 'legacy'],
  ['tasks/cancel', '{"taskId":"t"}', 'targets, task t', 'both', 't'],
  ['tasks/update', '{"taskId":"t"}', 'targets, task t', 'modern', 't'],
  ['tasks/list', '{}', 'method', 'legacy'],
]

for (const [method, params, needs, eras, name] of UP) {
  test(`${method} ${params} needs ${needs} in ${eras}`, () => {
    if (eras === 'modern') assert.equal(refused(request(method, params)).code, 'unknown_method')
    else assert.equal(summary(accepted(request(method, params))), needs)
    const [body, options] = modern(method, params, name)
    if (eras === 'legacy') assert.equal(refused(body, options).code, 'unknown_method')
    else assert.equal(summary(accepted(body, options)), needs)
  })
}

/** mcp-reference 1.3 and 1.4, downwards. */
const DOWN: readonly (readonly [string, string, string, boolean])[] = [
  ['ping', '{}', 'connection', true],
  ['sampling/createMessage', '{"messages":[],"maxTokens":5}', 'method', true],
  ['elicitation/create', '{"mode":"url","url":"https://a.test/"}', 'method', true],
  ['roots/list', '{}', 'method', true],
  ['tasks/get', '{"taskId":"t"}', 'targets, task t', true],
  ['tasks/result', '{"taskId":"t"}', 'targets, task t', true],
  ['tasks/cancel', '{"taskId":"t"}', 'targets, task t', true],
  ['tasks/list', '{}', 'method', true],
  ['notifications/cancelled', '{"requestId":1}', 'connection', false],
  ['notifications/progress', '{"progressToken":1,"progress":2}', 'connection', false],
  ['notifications/message', '{"level":"info","data":{}}', 'connection', false],
  ['notifications/tools/list_changed', '{}', 'connection', false],
  ['notifications/prompts/list_changed', '{}', 'connection', false],
  ['notifications/resources/list_changed', '{}', 'connection', false],
  ['notifications/resources/updated', '{"uri":"a:b"}', 'targets, resource a:b', false],
  ['notifications/subscriptions/acknowledged', '{"notifications":{}}', 'connection', false],
  ['notifications/elicitation/complete', '{"elicitationId":"e"}', 'connection', false],
  ['notifications/tasks/status', '{"taskId":"t"}', 'targets, task t', false],
  ['notifications/tasks', '{"taskId":"t","result":{}}', 'targets, task t', false],
]

for (const [method, params, needs, isRequest] of DOWN) {
  test(`${method} from a server needs ${needs}`, () => {
    const body = request(method, params)
    const text = isRequest ? body : body.replace('"id":7,', '')
    assert.equal(summary(accepted(text, { direction: 'down' })), needs)
  })
}

test('client notifications need the connection, in the eras that have them', () => {
  const legacy = ['initialized', 'cancelled', 'progress', 'roots/list_changed']
  const headers = { protocolVersion: '2026-07-28' }
  for (const name of legacy) {
    const body = `{"jsonrpc":"2.0","method":"notifications/${name}"}`
    assert.equal(summary(accepted(body)), 'connection')
    const inModern = read(body, { headers })
    assert.equal(inModern.ok, name === 'cancelled', name)
  }
})

test('what only servers send is unknown from a client, and the reverse', () => {
  const sampling = request('sampling/createMessage', '{}')
  assert.equal(refused(sampling).code, 'unknown_method')
  assert.equal(
    refused('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}')
      .code,
    'unknown_method',
  )
  const tool = request('tools/call', '{"name":"echo"}')
  assert.equal(refused(tool, { direction: 'down' }).code, 'unknown_method')
})

test('a server request is unknown where the version of the exchange is modern', () => {
  const options: Options = { direction: 'down', headers: { protocolVersion: '2026-07-28' } }
  assert.equal(refused(request('roots/list', '{}'), options).code, 'unknown_method')
})

test('unknown methods are refused with their id, and allowed by name where configured', () => {
  for (const method of ['x/y', 'TOOLS/CALL', 'tools/call ', '', 'constructor', '__proto__']) {
    assert.deepEqual(refused(request(method, '{}')), {
      code: 'unknown_method',
      message: 'Method not found',
      id: '7',
    })
  }
  const extra = new Set(['x/y'])
  const call = accepted(request('x/y', '{"name":"echo"}'), { extra })
  assert.equal(summary(call), 'method')
  assert.equal(call.method, 'x/y')
  assert.equal(summary(accepted('{"jsonrpc":"2.0","method":"x/y"}', { extra })), 'method')
  assert.equal(summary(accepted(request('x/y', '{}'), { direction: 'down', extra })), 'method')
})

/** P-21 and mcp-reference 1.5: what cannot be judged is not forwarded. */
const UNFIT: readonly (readonly [string, string])[] = [
  ['tools/call', '{}'],
  ['tools/call', '{"name":1}'],
  ['tools/call', '{"name":null}'],
  ['tools/call', '{"name":["echo"]}'],
  ['tools/call', '{"uri":"echo"}'],
  ['tools/call', '{"name":"echo","arguments":[]}'],
  ['tools/call', '{"name":"echo","arguments":"x"}'],
  ['tools/call', '{"name":"echo","requestState":{}}'],
  ['prompts/get', '{"uri":"p"}'],
  ['resources/read', '{"name":"a:b"}'],
  ['resources/subscribe', '{"uri":{}}'],
  ['completion/complete', '{}'],
  ['completion/complete', '{"ref":{"type":"ref/tool","name":"echo"}}'],
  ['completion/complete', '{"ref":{"name":"p"}}'],
  ['completion/complete', '{"ref":{"type":"ref/prompt","uri":"a:b"}}'],
  ['completion/complete', '{"ref":{"type":"ref/resource","name":"p"}}'],
  ['tasks/get', '{"taskId":7}'],
]

for (const [method, params] of UNFIT) {
  test(`${method} ${params} has invalid params`, () => {
    assert.equal(refused(request(method, params)).code, 'invalid_params')
    assert.equal(refused(request(method, params)).id, '7')
  })
}

test('P-21 a call without params has invalid params', () => {
  const text = '{"jsonrpc":"2.0","id":7,"method":"tools/call"}'
  assert.equal(refused(text).code, 'invalid_params')
})

test('a listen that names nothing readable has invalid params', () => {
  for (const params of ['{}', '{"notifications":{"resourceSubscriptions":["a:b",1]}}']) {
    assert.equal(refused(...modern('subscriptions/listen', params)).code, 'invalid_params')
  }
})

test('P-20 a request method without id is refused, and a notification method with one', () => {
  const call = '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete_all"}}'
  assert.equal(refused(call).code, 'invalid_request')
  assert.equal(refused(request('notifications/initialized', '{}')).code, 'invalid_request')
})

test('a call carries id, spans and arguments of its message', () => {
  const text = request('tools/call', '{"name":"echo","arguments":{"a":1},"requestState":"s"}')
  const call = accepted(text)
  const at = (span?: { start: number; end: number }) => text.slice(span?.start, span?.end)
  assert.equal(call.id, '7')
  assert.equal(call.kind, 'request')
  assert.equal(at(call.arguments), '{"a":1}')
  assert.equal(at(call.spans.requestState), '"s"')
  assert.equal(at(call.spans.id), '7')
})

test('responses need the connection in both directions', () => {
  const text = '{"jsonrpc":"2.0","id":"a","result":{}}'
  for (const direction of ['up', 'down'] as const) {
    const call = accepted(text, { direction })
    assert.deepEqual(
      [call.kind, call.needs, call.method, call.id],
      ['response', 'connection', '', '"a"'],
    )
  }
})

test('opening a stream and ending a session are legacy calls that need the connection', () => {
  for (const [make, kind] of [
    [openStreamCall, 'open_stream'],
    [endSessionCall, 'end_session'],
  ] as const) {
    const result = make({ protocolVersion: '2025-06-18' })
    assert.ok(result.ok)
    const { call } = result
    assert.deepEqual(
      [call.kind, call.needs, call.version, call.era],
      [kind, 'connection', '2025-06-18', 'legacy'],
    )
    for (const protocolVersion of ['2026-07-28', '1900-01-01', '']) {
      const other = make({ protocolVersion })
      assert.equal(other.ok ? 'accepted' : other.problem.code, 'invalid_request')
    }
  }
})
