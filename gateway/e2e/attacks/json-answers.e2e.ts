/**
 * What a server may say in JSON: one response to the request it was asked, and nothing else. Messages
 * of its own travel on event streams, where each is judged; hidden names are hidden whatever the status
 * and whichever request they answer.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

import { type DocsGateway, startDocsGateway } from '../../testkit/docs-gateway.ts'
import { eventually } from '../../testkit/eventually.ts'
import { readAnswer } from '../../testkit/read-answer.ts'
import type { Override } from '../../testkit/recording-server.ts'
import { callTool, openSession, post, request } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const SAMPLING = {
  jsonrpc: '2.0',
  id: 's-1',
  method: 'sampling/createMessage',
  params: { messages: [], maxTokens: 5 },
}
const UPDATED = {
  jsonrpc: '2.0',
  method: 'notifications/resources/updated',
  params: { uri: 'file:///priv/b' },
}
const LIST = { tools: ['echo', 'delete_all'].map((name) => ({ name, inputSchema: {} })) }

/** More than is held back of an answer, in characters. */
const PADDING = 'x'.repeat(200_000)

let docs: DocsGateway

before(async () => {
  docs = await startDocsGateway({
    rules: [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo'] }],
  })
})

after(() => stopAll(docs))

/** Answers every POST but `initialize` with this JSON. */
function answering(body: unknown, status = 200): Override {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return ({ method, json }, response) => {
    if (method !== 'POST' || json?.method === 'initialize') return false
    response.writeHead(status, { 'content-type': 'application/json' }).end(text)
    return true
  }
}

async function call(body: unknown = callTool('echo', {}, 7)) {
  return readAnswer(docs.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${docs.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
  })
}

const RESULT = { jsonrpc: '2.0', id: 7, result: { content: [] } }

/** A stock client that would answer a sampling request, and what it heard of the server. */
async function openClient(): Promise<{ readonly client: Client; readonly heard: string[] }> {
  const heard: string[] = []
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {} } })
  client.setRequestHandler(CreateMessageRequestSchema, () => {
    heard.push('sampling')
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'a secret' } }
  })
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params.uri)
  })
  const transport = new StreamableHTTPClientTransport(new URL(docs.url), {
    requestInit: { headers: { Authorization: `Bearer ${docs.token}` } },
  })
  await client.connect(transport)
  return { client, heard }
}

/** Responses that came up from clients. */
function replies(): readonly unknown[] {
  return docs.server.seen.filter(
    ({ json }) => json?.result !== undefined || json?.error !== undefined,
  )
}

test('a stock client acts on nothing a server puts beside its JSON response', async () => {
  docs.server.override = ({ json }, response) => {
    if (json?.method !== 'tools/call') return false
    const result = { jsonrpc: '2.0', id: json.id, result: { content: [] } }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify([SAMPLING, UPDATED, result]))
    return true
  }
  const { client, heard } = await openClient()
  await assert.rejects(client.callTool({ name: 'echo', arguments: {} }), /not available/)
  await new Promise((resolve) => setTimeout(resolve, 200))
  await client.close()
  assert.deepEqual([heard, replies()], [[], []])
})

test('a stock client acts on no event stream that calls itself JSON', async () => {
  let asked = 0
  docs.server.override = ({ method }, response) => {
    if (method !== 'GET') return false
    asked += 1
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const message of [SAMPLING, UPDATED])
      response.write(`data: ${JSON.stringify(message)}\n\n`)
    response.write(`: ${PADDING}\n\n`)
    return true
  }
  const { client, heard } = await openClient()
  await eventually(() => assert.ok(asked > 0))
  await new Promise((resolve) => setTimeout(resolve, 200))
  await client.close()
  assert.deepEqual([heard, replies()], [[], []])
  const answer = await fetch(docs.url, {
    headers: { authorization: `Bearer ${docs.token}`, accept: 'text/event-stream' },
  })
  assert.equal(answer.status, 502)
  assert.doesNotMatch(await answer.text(), /sampling/)
})

const NOT_ONE_RESPONSE = [
  [SAMPLING, RESULT],
  [RESULT],
  SAMPLING,
  UPDATED,
  { ...RESULT, ...SAMPLING },
  { ...RESULT, id: 8 },
  { content: [] },
  'no JSON',
  '',
]

for (const body of NOT_ONE_RESPONSE) {
  test(`no answer to a call is ${JSON.stringify(body)}`, async () => {
    for (const status of [200, 201, 500]) {
      docs.server.override = answering(body, status)
      const { text, ...answer } = await call()
      assert.deepEqual([answer.status, answer.end], [200, 'clean'])
      const { id, error } = JSON.parse(text) as { id: unknown; error: { code: number } }
      assert.deepEqual([id, error.code], [7, 1003], text)
    }
    docs.server.override = answering(body, 404)
    const { status, text } = await call()
    assert.deepEqual([status, text], [404, ''])
  })
}

test('a large answer that flows breaks off before its end when it is not one response', async () => {
  const result = { content: [{ type: 'text', text: PADDING }] }
  const large = [
    JSON.stringify([{ ...RESULT, result }, SAMPLING]),
    JSON.stringify({ ...RESULT, result, method: 'sampling/createMessage', params: {} }),
    JSON.stringify({ ...SAMPLING, params: { padding: PADDING } }),
    JSON.stringify({ ...RESULT, result, id: 8 }),
    JSON.stringify({ ...RESULT, result: { padding: PADDING, ...LIST } }),
    JSON.stringify({ ...RESULT, result: { ...LIST, padding: PADDING } }),
    `${JSON.stringify({ ...RESULT, result })}\n${JSON.stringify(SAMPLING)}`,
    JSON.stringify({ ...RESULT, result }).slice(0, -1),
  ]
  for (const text of large) {
    docs.server.override = answering(text)
    const answer = await call()
    assert.equal(answer.end, 'broken', text.slice(-100))
    assert.throws(() => JSON.parse(answer.text) as unknown)
  }
})

test('a large answer that is one response comes whole, its id first or last', async () => {
  const result = { content: [{ type: 'text', text: `${PADDING}\\"}],"method":` }] }
  for (const body of [
    { jsonrpc: '2.0', id: 7, result },
    { result, jsonrpc: '2.0', id: 7 },
    { jsonrpc: '2.0', id: 7, error: { code: 1, message: PADDING } },
  ]) {
    for (const status of [200, 400]) {
      docs.server.override = answering(body, status)
      const answer = await call()
      assert.deepEqual([answer.status, answer.end], [status, 'clean'])
      assert.equal(answer.text, JSON.stringify(body))
    }
  }
})

test('a hidden name is hidden whatever the status and whichever request it answers', async () => {
  for (const status of [200, 201, 400, 404, 409, 429, 500, 503]) {
    docs.server.override = answering({ ...RESULT, result: LIST }, status)
    for (const method of ['tools/list', 'ping', 'tools/call', 'resources/list']) {
      const body = method === 'tools/call' ? callTool('echo', {}, 7) : request(method, {}, 7)
      const answer = await call(body)
      assert.equal(answer.status, status)
      assert.match(answer.text, /"echo"/)
      assert.doesNotMatch(answer.text, /delete_all/, `${method} ${status}`)
    }
  }
})

test('an error of the server comes with its status, with an id or without', async () => {
  const error = { code: -32_000, message: 'No such session' }
  for (const body of [
    { jsonrpc: '2.0', id: 7, error },
    { jsonrpc: '2.0', id: null, error },
    { jsonrpc: '2.0', error },
  ]) {
    for (const status of [200, 400, 404, 500]) {
      docs.server.override = answering(body, status)
      const answer = await call()
      assert.deepEqual([answer.status, answer.text], [status, JSON.stringify(body)])
    }
  }
})

test('a page of a framework in JSON is not shown, and its status is', async () => {
  docs.server.override = undefined
  const sessionId = await openSession(docs.url, docs.token)
  docs.server.override = answering({ detail: 'Session not found', path: '/internal' }, 404)
  const reply = await post(docs.url, callTool('echo'), {
    token: docs.token,
    headers: { 'mcp-session-id': sessionId },
  })
  assert.deepEqual([reply.status, reply.text], [404, ''])
  assert.equal(reply.headers.get('content-type'), null)
})

test('a notification is answered by a status and nothing else', async () => {
  const note = { jsonrpc: '2.0', method: 'notifications/initialized' }
  docs.server.override = undefined
  assert.deepEqual([(await call(note)).status, (await call(note)).text], [202, ''])
  for (const status of [200, 202, 400]) {
    docs.server.override = answering([SAMPLING, UPDATED], status)
    const answer = await call(note)
    assert.deepEqual([answer.status, answer.text, answer.end], [status, '', 'clean'])
  }
  assert.deepEqual(replies(), [])
})
