/** Arrays of messages, in the one revision that has them (MCP 2025-03-26), on real sockets. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Rpc, Seen } from '../testkit/recording-server.ts'
import {
  resultFor,
  sendEvents,
  sendJson,
  startRecordingServer,
} from '../testkit/recording-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

type Message = { readonly id?: unknown; readonly result?: unknown; readonly error?: unknown }

let server: RecordingServer
let gateway: TestGatehouse
let token: string
/** What the server does with the responses to an array. */
let respond: (responses: readonly Message[], response: ServerResponse) => void

before(async () => {
  server = await startRecordingServer(answer)
  const allowed = { effect: 'allow', subjects: [{ any: true }] }
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [
      { id: 'read', ...allowed, tools: ['docs/echo', 'docs/read_file'] },
      { id: 'ask', ...allowed, methods: ['sampling/createMessage'] },
    ],
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

function answer({ body, json }: Seen, response: ServerResponse): boolean {
  if (!Array.isArray(json)) return false
  const messages = JSON.parse(body.toString('utf8')) as readonly Rpc[]
  const asked = messages.filter(({ id, method }) => id !== undefined && method !== undefined)
  if (asked.length === 0) response.writeHead(202).end()
  else
    respond(
      asked.map((rpc) => ({ jsonrpc: '2.0', id: rpc.id, result: resultFor(rpc) })),
      response,
    )
  return true
}

function session(version = '2025-03-26'): Promise<string> {
  return openSession(gateway.url('docs'), token, version)
}

async function send(body: unknown, sessionId?: string): Promise<Reply> {
  return await post(gateway.url('docs'), body, {
    token,
    headers: sessionId === undefined ? {} : { 'mcp-session-id': sessionId },
  })
}

function messagesOf(text: string): readonly Message[] {
  const datas = text.startsWith('[')
    ? [text]
    : [...text.matchAll(/^data: (.+)$/gm)].map(([, d]) => d)
  return datas.flatMap((data) => JSON.parse(data ?? '') as Message | readonly Message[])
}

const namesIn = ({ result }: Message): unknown =>
  (result as { tools: readonly { name: string }[] }).tools.map(({ name }) => name)

const NOTIFICATION = { jsonrpc: '2.0', method: 'notifications/initialized' }
const BATCH = [request('tools/list', {}, 'l'), NOTIFICATION, callTool('echo', {}, 2)]

test('the bytes of an array go up as they came, and its answer comes down filtered', async () => {
  respond = (responses, response) => sendJson(response, responses.toReversed())
  const text = ` [ ${BATCH.map((message) => JSON.stringify(message)).join(' ,')}]\n`
  const { status, text: got } = await send(text, await session())
  assert.equal(status, 200)
  assert.equal(server.seen.at(-1)?.body.toString('utf8'), text)
  const [called, list] = messagesOf(got)
  assert.deepEqual([called?.id, list?.id], [2, 'l'])
  assert.deepEqual(namesIn(list!), ['echo', 'read_file'])
})

test('on an event stream responses are shown one by one or batched, and others not at all', async () => {
  const stranger = { jsonrpc: '2.0', id: 99, result: { tools: [{ name: 'delete_all' }] } }
  const note = { jsonrpc: '2.0', method: 'notifications/message', params: {} }
  const sessionId = await session()
  const ways = [
    (responses: readonly Message[]) => [...responses, stranger],
    (responses: readonly Message[]) => [[stranger, note, ...responses]],
  ]
  for (const way of ways) {
    respond = (responses, response) => sendEvents(response, way(responses))
    const { text } = await send(BATCH, sessionId)
    const responses = messagesOf(text).filter(({ id }) => id !== undefined)
    assert.deepEqual(
      responses.map(({ id }) => id),
      ['l', 2],
    )
    assert.deepEqual(namesIn(responses[0]!), ['echo', 'read_file'])
    assert.doesNotMatch(text, /delete_all/)
  }
})

test('when a stream breaks off every request without a response is told', async () => {
  respond = ([first], response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${JSON.stringify(first)}\n\n`, () => response.destroy())
  }
  const asked = [request('ping', {}, 1), request('ping', {}, 2), request('ping', {}, 'x')]
  const response = await fetch(gateway.url('docs'), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-session-id': await session(),
    },
    body: JSON.stringify(asked),
  })
  let text = ''
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
  }
  await assert.rejects(read())
  assert.deepEqual(
    messagesOf(text).map(({ id, error }) => [id, (error as { code?: number } | undefined)?.code]),
    [
      [1, undefined],
      [2, 1003],
      ['x', 1003],
    ],
  )
})

test('one refused element refuses the array: every request has its error, the server sees nothing', async () => {
  const sessionId = await session()
  const before = server.seen.length
  const batch = [callTool('echo', {}, 1), callTool('delete_all', {}, 2), NOTIFICATION]
  const { status, json } = await send(batch, sessionId)
  assert.equal(status, 200)
  const errors = json as unknown as readonly { id: unknown; error: { code: number } }[]
  assert.deepEqual(
    errors.map(({ id, error }) => [id, error.code]),
    [
      [1, 1000],
      [2, -32602],
    ],
  )
  assert.deepEqual(
    server.seen.slice(before).filter(({ json: seen }) => seen?.method !== 'tools/list'),
    [],
  )
  await eventually(async () => {
    const records = (await gateway.audit()).filter(({ visit }) => visit !== undefined)
    const own = records.filter(({ visit }) => visit === records.at(-1)?.['visit'])
    const lines = own.map(({ type, method, effect, outcome }) =>
      [type, method, effect, outcome ?? ''].join(' '),
    )
    assert.deepEqual(
      new Set(lines),
      new Set([
        'decision notifications/initialized allow ',
        'decision tools/call allow ',
        'decision tools/call deny ',
        'outcome notifications/initialized allow refused',
        'outcome tools/call allow refused',
        'outcome tools/call deny refused',
      ]),
    )
    assert.equal(lines.length, 6)
  })
})

test('an array without requests is accepted, and a forged response in it refused', async () => {
  const sessionId = await session()
  const accepted = await send([NOTIFICATION, NOTIFICATION], sessionId)
  assert.deepEqual([accepted.status, accepted.text], [202, ''])
  const before = server.seen.length
  const { status } = await send([NOTIFICATION, { jsonrpc: '2.0', id: 7, result: {} }], sessionId)
  assert.equal(status, 400)
  assert.equal(server.seen.length, before)
})

test('an array is refused in every other revision, without a session and with initialize in it', async () => {
  const before = server.seen.length
  const opened = [await session('2025-06-18'), await session('2025-11-25'), undefined]
  const tries = opened.map((sessionId) => ({ sessionId, body: BATCH }))
  const initialize = request('initialize', { protocolVersion: '2025-03-26' })
  tries.push({ sessionId: await session(), body: [initialize] })
  for (const { sessionId, body } of tries) {
    const { status, json } = await send(body, sessionId)
    assert.deepEqual([status, json?.error?.code], [400, -32600])
  }
  assert.equal(server.seen.slice(before).filter(({ json }) => Array.isArray(json)).length, 0)
})

test('an answer in JSON that has no response to the array is not shown', async () => {
  const sessionId = await session()
  for (const wrong of [[], { jsonrpc: '2.0', id: 5, result: {} }, [7], 'text']) {
    respond = (_responses, response) => sendJson(response, wrong)
    const { status, json } = await send([request('ping', {}, 1), request('ping', {}, 2)], sessionId)
    assert.equal(status, 200)
    const errors = json as unknown as readonly { id: unknown; error: { code: number } }[]
    assert.deepEqual(
      errors.map(({ id, error }) => [id, error.code]),
      [
        [1, 1003],
        [2, 1003],
      ],
    )
  }
})
