/**
 * Rounds (MCP 2026-07-28, "Multi Round-Trip Requests") and listening through two gateways with the same
 * keys: whose states they are, what a server may ask, and what never reaches it. The names (X-05 …) are
 * those of the project's threat model.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import { messagesIn, readAnswer } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import type { RpcReply } from '../testkit/rpc.ts'
import { modern, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

/** What the server wants to find again, with characters that JSON may write in several ways. */
const STATE = '"a\\u0062/\\/é \\ud800"'

const ALLOWED = {
  id: 'some',
  effect: 'allow',
  subjects: [{ any: true }],
  tools: ['docs/echo', 'docs/read_file'],
  prompts: ['docs/hello'],
  resources: ['docs:file:///pub/**'],
  methods: ['elicitation/create'],
}

let server: RecordingServer
let first: TestGatehouse
let second: TestGatehouse
let token: string

before(async () => {
  server = await startRecordingServer(answer)
  const env = { GATEHOUSE_KEYS: `k1:${randomBytes(32).toString('base64url')}` }
  first = await startGatehouse({ servers: { docs: server.url }, rules: [ALLOWED], env })
  second = await startGatehouse({
    servers: { docs: { upstream: server.url, audiences: [first.url('docs')] } },
    rules: [ALLOWED],
    config: { issuers: [{ issuer: ISSUER, jwks: { keys: [first.signer.jwk] }, kind: 'agent' }] },
    env,
  })
  token = await first.token('docs')
})

after(() => stopAll(first, second, server))

type Asked = { readonly ask?: string; readonly as?: string; readonly filler?: number }

/** Asks for another round as the arguments say, until a state comes back. */
function answer({ json }: Seen, response: ServerResponse): boolean {
  const { id, method, params } = json ?? {}
  if (method === 'subscriptions/listen') {
    sendEvents(response, listened(id, params?.['notifications']))
    return true
  }
  const isRead = method === 'resources/read'
  const asked = isRead ? { ask: 'elicitation/create' } : params?.['arguments']
  const { ask, as = 'json', filler = 0 } = (asked ?? {}) as Asked
  if (ask === undefined || params?.['requestState'] !== undefined) return false
  const inputRequests = { q: { method: ask, params: { text: 'x'.repeat(filler) } } }
  const round = `"inputRequests":${JSON.stringify(inputRequests)},"requestState":${STATE}`
  const type = '"resultType":"input_required"'
  const members = as === 'late' ? `${round},${type}` : `${type},${round}`
  const text = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${members}}}`
  response.writeHead(200, {
    'content-type': as === 'sse' ? 'text/event-stream' : 'application/json',
  })
  response.end(as === 'sse' ? `data: ${text}\n\n` : text)
  return true
}

/** The acknowledgement, updates of a resource that is shown and of two that are not, and the end. */
function listened(id: unknown, notifications: unknown): readonly unknown[] {
  const updated = (uri: string): unknown => ({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri },
  })
  return [
    {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications },
    },
    updated('file:///priv/b'),
    updated('file:///pub/a'),
    updated('file:///pub/../priv/b'),
    { jsonrpc: '2.0', method: 'notifications/tasks', params: { taskId: 't-1', status: 'working' } },
    { jsonrpc: '2.0', id, result: { resultType: 'complete' } },
  ]
}

type Sent = { readonly gateway?: TestGatehouse; readonly bearer?: string }

async function send(
  method: string,
  params: Readonly<Record<string, unknown>>,
  { gateway = first, bearer = token }: Sent = {},
): Promise<RpcReply> {
  const { body, headers } = modern(method, params)
  const { status, text, json } = await post(gateway.url('docs'), body, { token: bearer, headers })
  assert.equal(status, 200, text)
  return json ?? (messagesIn(text)[0] as RpcReply)
}

/** The state a client is given for a call. */
async function stateOf(method: string, params: Readonly<Record<string, unknown>>): Promise<string> {
  const { result } = await send(method, params)
  assert.equal(result?.['resultType'], 'input_required')
  const state = result['requestState']
  assert.ok(typeof state === 'string' && state !== JSON.parse(STATE))
  return state
}

function ask(method: string, more: Asked = {}): Readonly<Record<string, unknown>> {
  return { name: 'echo', arguments: { ask: method, ...more } }
}

const ELICIT = ask('elicitation/create')

test('a state goes down sealed in JSON and on a stream, and comes back as written, by either gateway', async () => {
  const calls = [
    ['tools/call', ELICIT],
    ['tools/call', ask('elicitation/create', { as: 'sse' })],
    ['tools/call', ask('elicitation/create', { filler: 200_000 })],
    ['prompts/get', { name: 'hello', arguments: { ask: 'elicitation/create' } }],
    ['resources/read', { uri: 'file:///pub/a' }],
  ] as const
  for (const [method, params] of calls) {
    const requestState = await stateOf(method, params)
    for (const gateway of [first, second]) {
      const inputResponses = { q: { action: 'accept' } }
      const { error } = await send(method, { ...params, inputResponses, requestState }, { gateway })
      assert.equal(error, undefined, method)
      const { body, headers } = server.seen.at(-1)!
      assert.ok(body.includes(`"requestState":${STATE}`), method)
      assert.equal(headers['content-length'], String(body.length))
    }
  }
})

test('X-14 a state changed, of another caller, tool or method is -32602, and the server sees nothing', async () => {
  const state = await stateOf('tools/call', ELICIT)
  const mallory = await first.token('docs', { subject: 'mallory' })
  const client = await first.token('docs', { client: 'another' })
  const tries = [
    ['tools/call', { ...ELICIT, requestState: `${state}A` }, token],
    ['tools/call', { ...ELICIT, requestState: JSON.parse(STATE) as string }, token],
    ['tools/call', { ...ELICIT, requestState: '' }, token],
    ['tools/call', { ...ELICIT, requestState: state }, mallory],
    ['tools/call', { ...ELICIT, requestState: state }, client],
    ['tools/call', { ...ELICIT, name: 'read_file', requestState: state }, token],
    ['prompts/get', { name: 'hello', requestState: state }, token],
    ['resources/read', { uri: 'file:///pub/a', requestState: state }, token],
    ['tools/list', { requestState: state }, token],
  ] as const
  await send('tools/call', { name: 'read_file' })
  await send('prompts/get', { name: 'hello' })
  const before = server.seen.length
  for (const [method, params, bearer] of tries) {
    const { id, error } = await send(method, params, { bearer })
    assert.deepEqual([id, error?.code], [1, -32602], method)
    assert.doesNotMatch(error?.message ?? '', /docs|echo/)
  }
  assert.equal(server.seen.length, before)
})

test('what a server may not ask refuses its result, in words, in JSON and on a stream', async () => {
  for (const more of [{}, { as: 'sse' }, { filler: 200_000 }]) {
    const reply = await send('tools/call', ask('sampling/createMessage', more))
    assert.deepEqual([reply.id, reply.error?.code, reply.result], [1, 1001, undefined])
    assert.match(reply.error?.message ?? '', /asks its client for sampling\/createMessage/)
  }
  const strange = await send('tools/call', ask('tools/call'))
  assert.equal(strange.error?.code, 1003)
})

test('what a server asks in a result is recorded like what it asks on a stream', async () => {
  await send('tools/call', ask('roots/list'))
  await eventually(async () => {
    const asked = (await first.audit()).filter(({ method }) => method === 'roots/list')
    assert.deepEqual(
      asked.map(({ type, direction, effect, reason }) => [type, direction, effect, reason]),
      [
        ['decision', 'down', 'deny', 'no_rule'],
        ['outcome', 'down', 'deny', 'no_rule'],
      ],
    )
    const { visit } = asked[0]!
    const own = (await first.audit()).find(
      (record) =>
        record['visit'] === visit && record['type'] === 'outcome' && record['direction'] !== 'down',
    )
    assert.deepEqual([own?.['outcome'], own?.['refusal']], ['refused', 'policy_denied'])
  })
})

test('an answer that asks for more after 64 KiB of it have gone is cut', async () => {
  const { body, headers } = modern(
    'tools/call',
    ask('elicitation/create', { as: 'late', filler: 200_000 }),
  )
  const { end, text } = await readAnswer(first.url('docs'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body: JSON.stringify(body),
  })
  assert.equal(end, 'broken')
  assert.doesNotMatch(text, /input_required/)
})

async function listen(notifications: Readonly<Record<string, unknown>>) {
  const { body, headers } = modern('subscriptions/listen', { notifications }, 'l-1')
  const { text } = await post(first.url('docs'), body, { token, headers })
  return messagesIn(text) as readonly {
    readonly method?: string
    readonly params?: Readonly<Record<string, unknown>>
  }[]
}

test('X-05 X-06 only what a caller may follow is listened to and heard of', async () => {
  const heard = await listen({
    toolsListChanged: true,
    resourceSubscriptions: ['file:///priv/b', 'file:///pub/a', 'file:///pub/../priv/b'],
    taskIds: ['t-1'],
  })
  const notifications = {
    toolsListChanged: true,
    resourceSubscriptions: ['file:///pub/a'],
    taskIds: [],
  }
  assert.deepEqual(server.seen.at(-1)?.json?.params?.['notifications'], notifications)
  assert.deepEqual(
    heard.map(({ method, params }) => [method, params?.['notifications'] ?? params?.['uri']]),
    [
      ['notifications/subscriptions/acknowledged', notifications],
      ['notifications/resources/updated', 'file:///pub/a'],
      [undefined, undefined],
    ],
  )
})

test('a server acknowledges no more than what was asked for', async () => {
  const usual = server.override
  server.override = (seen, response) => {
    if (seen.json?.method !== 'subscriptions/listen') return usual?.(seen, response) ?? false
    const more = ['file:///pub/a', 'file:///priv/b', 'file:///pub/unasked']
    const [acknowledged] = listened(seen.json.id, { resourceSubscriptions: more })
    sendEvents(response, [acknowledged, listened(seen.json.id, {}).at(-1)])
    return true
  }
  const [acknowledged] = await listen({
    resourceSubscriptions: ['file:///pub/a', 'file:///priv/b'],
  })
  server.override = usual
  const notifications = { resourceSubscriptions: ['file:///pub/a'] }
  assert.deepEqual(acknowledged?.params, { notifications })
})

test('a listener who may follow nothing it named still listens to the rest, and audit says what went', async () => {
  const [acknowledged] = await listen({ resourceSubscriptions: ['file:///priv/only'] })
  const notifications = { resourceSubscriptions: [] }
  assert.deepEqual(acknowledged?.params, { notifications })
  await eventually(async () => {
    const named = (await first.audit()).filter((record) =>
      JSON.stringify(record['targets'] ?? []).includes('file:///priv/only'),
    )
    assert.deepEqual(
      named.map(({ type, effect, dropped }) => [type, effect, dropped]),
      ['decision', 'outcome'].map((type) => [
        type,
        'allow',
        [{ kind: 'resource', name: 'file:///priv/only' }],
      ]),
    )
  })
})

test('a client is offered no version that the gateway does not serve', async () => {
  const before = server.override
  server.override = ({ json }, response) => {
    const supportedVersions = ['2031-01-01', '2026-07-28']
    const result = { supportedVersions, capabilities: {}, resultType: 'complete' }
    sendJson(response, { jsonrpc: '2.0', id: json?.id, result })
    return true
  }
  const { result } = await send('server/discover', {})
  server.override = before
  assert.deepEqual(result?.['supportedVersions'], ['2026-07-28'])
})
