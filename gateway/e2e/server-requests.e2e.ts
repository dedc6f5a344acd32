/**
 * What a server asks of its client: delivered when policy allows it and the client declared it, else
 * answered by the gateway (X-12 of the project's threat model).
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import { openEvents } from '../testkit/event-reader.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { messagesIn } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, modern, openSession, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [
  { id: 'echo', ...ANYBODY, tools: ['docs/echo'] },
  { id: 'ask', ...ANYBODY, methods: ['sampling/createMessage', 'elicitation/create'] },
]

/** Policy allows the first three; the client declares sampling and forms. */
const ASKED = [
  { id: 11, method: 'sampling/createMessage', params: { messages: [] } },
  { id: 12, method: 'elicitation/create', params: { message: 'a form' } },
  { id: 13, method: 'elicitation/create', params: { mode: 'url', url: 'https://e.test/' } },
  { id: 14, method: 'roots/list' },
  { id: 15, method: 'tasks/list' },
  { id: 16, method: 'made/up' },
].map((one) => ({ jsonrpc: '2.0', ...one }))

const DECLARED = { sampling: {}, elicitation: {} }

let server: RecordingServer
let gateway: TestGatehouse
let token: string

before(async () => {
  server = await startRecordingServer(askAll)
  gateway = await startGatehouse({ servers: { docs: server.url }, rules: RULES })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

/** Asks everything on a stream of a session, and in a modern call what its arguments say. */
function askAll({ method, json, headers }: Seen, response: ServerResponse): boolean {
  const isCall = json?.method === 'tools/call'
  if (method !== 'GET' && !isCall) return false
  if (headers['mcp-protocol-version'] === '2026-07-28') {
    const params = json?.params?.['arguments'] as { method: string; mode?: string }
    const url = params.mode === 'url' ? 'https://e.test/' : undefined
    const asked = { method: params.method, params: { mode: params.mode, url } }
    const result = { resultType: 'input_required', inputRequests: { q: asked } }
    sendJson(response, { jsonrpc: '2.0', id: json?.id, result })
  } else if (isCall) {
    sendEvents(response, [...ASKED, { jsonrpc: '2.0', id: json.id, result: { content: [] } }])
  } else sendEvents(response, ASKED)
  return true
}

/** What the server was answered, by the ids it asked with: the code of the error, or 'taken'. */
function answers(from: number): ReadonlyMap<unknown, unknown> {
  const responses = server.seen.slice(from).filter(({ json }) => json?.method === undefined)
  return new Map(
    responses.flatMap(({ json }) => {
      const error = json?.error as { code: number } | undefined
      return json === undefined ? [] : [[json.id, error?.code ?? 'taken'] as const]
    }),
  )
}

const REFUSED = [13, 14, 15, 16]

test('X-12 on the stream of a call a client hears what it declared and policy allows, and the server is told of the rest', async () => {
  const from = server.seen.length
  const sessionId = await openSession(gateway.url('docs'), token, '2025-11-25', DECLARED)
  const headers = { 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' }
  const { text } = await post(gateway.url('docs'), callTool('echo'), { token, headers })
  assert.deepEqual(
    messagesIn(text).map(({ method, result }) => method ?? result),
    ['sampling/createMessage', 'elicitation/create', { content: [] }],
  )
  await eventually(() => assert.deepEqual(new Set(answers(from).keys()), new Set(REFUSED)))
  for (const [id, code] of answers(from)) assert.ok(code !== 'taken', String(id))
})

test('X-12 the same holds on a stream that listens', async () => {
  const sessionId = await openSession(gateway.url('docs'), token, '2025-11-25', DECLARED)
  const from = server.seen.length
  const stream = await openEvents(gateway.url('docs'), {
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      'mcp-session-id': sessionId,
    },
  })
  await assert.rejects(stream.readUntil(/never/), /the stream ended/)
  assert.deepEqual(
    messagesIn(stream.text()).map(({ method }) => method),
    ['sampling/createMessage', 'elicitation/create'],
  )
  await eventually(() => assert.equal(answers(from).size, REFUSED.length))
})

test('X-12 a session whose client declared nothing is asked nothing', async () => {
  const sessionId = await openSession(gateway.url('docs'), token, '2025-11-25', {})
  const headers = { 'mcp-session-id': sessionId }
  const { text } = await post(gateway.url('docs'), callTool('echo'), { token, headers })
  assert.deepEqual(
    messagesIn(text).map(({ result }) => result),
    [{ content: [] }],
  )
  await eventually(async () => {
    const records = await gateway.audit()
    assert.ok(
      records.some(
        ({ method, reason }) => method === 'sampling/createMessage' && reason === 'undeclared',
      ),
    )
  })
})

test('X-12 a round that asks a modern client for what its request did not declare refuses the result', async () => {
  const rows = [
    [{ sampling: {} }, 'sampling/createMessage', undefined, true],
    [{ elicitation: {} }, 'sampling/createMessage', undefined, false],
    [{ elicitation: {} }, 'elicitation/create', undefined, true],
    [{ elicitation: {} }, 'elicitation/create', 'url', false],
    [{ elicitation: { url: {} } }, 'elicitation/create', 'url', true],
    [{}, 'elicitation/create', 'form', false],
  ] as const
  for (const [capabilities, method, mode, passes] of rows) {
    const params = { name: 'echo', arguments: { method, mode } }
    const { body, headers } = modern('tools/call', params, 1, capabilities)
    const { json, text } = await post(gateway.url('docs'), body, { token, headers })
    if (passes) assert.equal(json?.result?.['resultType'], 'input_required', text)
    else {
      assert.equal(json?.error?.code, 1001, text)
      assert.match(json.error.message, /which the client has not declared/)
      assert.doesNotMatch(text, /inputRequests/)
    }
  }
})
