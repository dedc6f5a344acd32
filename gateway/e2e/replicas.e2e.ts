/**
 * Two gateways with one key ring and no shared store in front of one server, and clients whose every
 * request goes to the other one than the request before it.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'

import type { EverythingServer } from '../testkit/everything.ts'
import { startEverything } from '../testkit/everything.ts'
import type { EventReader } from '../testkit/event-reader.ts'
import { openEvents } from '../testkit/event-reader.ts'
import { messagesIn } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { resultFor, startRecordingServer } from '../testkit/recording-server.ts'
import type { Replicas } from '../testkit/replicas.ts'
import { ringEntry, startReplicas } from '../testkit/replicas.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, modern, openSession, post, request } from '../testkit/rpc.ts'
import { connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [
  { id: 'asking', ...ANYBODY, methods: ['sampling/createMessage', 'elicitation/create'] },
  { id: 'some', ...ANYBODY, tools: ['docs/echo', 'docs/trigger-*'] },
]

let server: RecordingServer
let everything: EverythingServer
let replicas: Replicas
let stock: Replicas
let token: string
/** The call whose client the server has asked something, and which waits for the answer. */
let asking: { readonly id: unknown; readonly response: ServerResponse } | undefined

before(async () => {
  ;[server, everything] = await Promise.all([startRecordingServer(answer), startEverything()])
  const keys = { rules: RULES, entries: [ringEntry('k1')] }
  ;[replicas, stock] = await Promise.all([
    startReplicas({ upstream: server.url }, keys),
    startReplicas({ upstream: everything.url }, keys),
  ])
  token = await replicas.token()
})

after(() => stopAll(replicas, stock, server, everything))

/**
 * A call with `ask` asks its client for a sample and ends once that was answered. A list that is called for
 * with a cursor breaks off and is delivered to whoever resumes. Modern calls want a round.
 */
function answer({ method, json, headers }: Seen, response: ServerResponse): boolean {
  const events = (...frames: readonly string[]): true => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of frames) response.write(frame)
    return true
  }
  const data = (message: object): string =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
  const { id, params } = json ?? {}
  if (method === 'GET' && headers['last-event-id'] === 'e-1') {
    events(`id: e-2\n${data({ id: 'late', result: resultFor({ method: 'tools/list' }) })}`)
    return true
  }
  if (params?.['cursor'] === 'late') {
    events('id: e-1\nretry: 10\ndata:\n\n')
    response.end()
    return true
  }
  if (json?.result !== undefined && id === 7 && asking !== undefined) {
    response.writeHead(202).end()
    asking.response.end(data({ id: asking.id, result: { content: [], heard: json.result } }))
    asking = undefined
    return true
  }
  if ((params?.['arguments'] as { ask?: boolean } | undefined)?.ask === true) {
    asking = { id, response }
    return events(data({ id: 7, method: 'sampling/createMessage', params: { messages: [] } }))
  }
  if (headers['mcp-protocol-version'] !== '2026-07-28' || json?.method !== 'tools/call')
    return false
  const round = Number(params?.['requestState'] ?? 0) + 1
  const result =
    round > 3
      ? { resultType: 'complete', content: [], round }
      : {
          resultType: 'input_required',
          inputRequests: { q: { method: 'elicitation/create', params: {} } },
          requestState: String(round),
        }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  return true
}

const inSession = (sessionId: string) => ({
  'mcp-session-id': sessionId,
  'mcp-protocol-version': '2025-11-25',
})

const bearer = () => ({ authorization: `Bearer ${token}` })

/** URLs of both, so that each may have the other part. */
const both = (): readonly (readonly [string, string])[] => {
  const [one, two] = [replicas.first.url('docs'), replicas.second.url('docs')]
  return [
    [one, two],
    [two, one],
  ]
}

function openPost(url: string, body: unknown, sessionId: string): Promise<EventReader> {
  const headers = {
    ...bearer(),
    ...inSession(sessionId),
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  return openEvents(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

test('a stock client’s session lists, calls, samples, hears progress and ends, request by request', async () => {
  const client = new Client({ name: 'a', version: '1' }, { capabilities: { sampling: {} } })
  const asked: unknown[] = []
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    asked.push(params.maxTokens)
    const content = { type: 'text' as const, text: 'what a client says' }
    return { role: 'assistant' as const, model: 'm', content }
  })
  const { alternate, sent } = stock
  await connectV1(stock.url, await stock.token(), client, alternate)
  const heard: number[] = []
  for (let round = 1; round <= 3; round++) {
    const { tools } = await client.listTools()
    assert.ok(tools.some(({ name }) => name === 'trigger-sampling-request'))
    assert.ok(tools.every(({ name }) => /^(?:echo|trigger-.+)$/.test(name)))
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'p', maxTokens: round },
    })
    assert.match(JSON.stringify(sampled), /what a client says/)
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.1, steps: 2 } },
      undefined,
      { onprogress: ({ progress }) => heard.push(progress) },
    )
    await assert.rejects(client.callTool({ name: 'get-env', arguments: {} }), /Unknown tool/)
  }
  assert.deepEqual(asked, [1, 2, 3])
  assert.ok(heard.length >= 3)
  assert.ok(sent.first > 6 && sent.second > 6)
  const transport = client.transport as unknown as { terminateSession(): Promise<void> }
  await transport.terminateSession()
  await client.close()
})

test('a server’s request that one gateway brings is answered through the other, and the call ends', async () => {
  const sessionId = await openSession(replicas.first.url('docs'), token)
  for (const [here, there] of both()) {
    const call = await openPost(here, callTool('echo', { ask: true }, 'call'), sessionId)
    const [, asked = ''] = await call.readUntil(/"id":"([\w-]+)","method":"sampling/)
    const body = { jsonrpc: '2.0', id: asked, result: { said: here } }
    const headers = inSession(sessionId)
    assert.equal((await post(there, body, { token, headers })).status, 202)
    const [, said] = await call.readUntil(/"heard":\{"said":"([^"]+)"\}/)
    assert.equal(said, here)
  }
})

test('X-13 an answer to what was never asked is refused by either, and so is one of another session', async () => {
  const sessionId = await openSession(replicas.first.url('docs'), token)
  const other = await openSession(replicas.second.url('docs'), token)
  const call = await openPost(replicas.url, callTool('echo', { ask: true }, 'call'), sessionId)
  const [, asked = ''] = await call.readUntil(/"id":"([\w-]+)","method":"sampling/)
  call.close()
  const mallory = await replicas.token({ subject: 'mallory' })
  const before = server.seen.length
  for (const [here] of both()) {
    for (const id of [7, '7', 'never-asked', `${asked.slice(0, -1)}_`]) {
      const body = { jsonrpc: '2.0', id, result: {} }
      const reply = await post(here, body, { token, headers: inSession(other) })
      assert.deepEqual([reply.status, reply.json?.error?.code], [400, -32600])
    }
    const stolen = { jsonrpc: '2.0', id: asked, result: {} }
    const reply = await post(here, stolen, { token: mallory, headers: inSession(sessionId) })
    assert.equal(reply.status, 404)
  }
  assert.equal(server.seen.length, before)
})

test('X-07 a list that one gateway was asked for is filtered on the stream that the other resumes', async () => {
  const sessionId = await openSession(replicas.first.url('docs'), token)
  for (const [here, there] of both()) {
    const asked = request('tools/list', { cursor: 'late' }, 'late')
    const { text } = await post(here, asked, { token, headers: inSession(sessionId) })
    const [, eventId = ''] = /^id: ([\w-]+)$/m.exec(text) ?? []
    assert.doesNotMatch(text, /tools/)
    const headers = { ...bearer(), ...inSession(sessionId), accept: 'text/event-stream' }
    const resumed = await openEvents(there, { headers: { ...headers, 'last-event-id': eventId } })
    await resumed.readUntil(/"result"[^\n]*\n\n/)
    resumed.close()
    const [list] = messagesIn(resumed.text())
    assert.equal(list?.id, 'late')
    const { tools } = list.result as { tools: readonly { name: string }[] }
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['echo'],
    )
  }
})

test('X-09 X-10 a session or an event id of somebody else is unknown to either', async () => {
  const sessionId = await openSession(replicas.first.url('docs'), token)
  const asked = request('tools/list', { cursor: 'late' }, 'late')
  const { text } = await post(replicas.url, asked, { token, headers: inSession(sessionId) })
  const [, eventId = ''] = /^id: ([\w-]+)$/m.exec(text) ?? []
  const mallory = await replicas.token({ subject: 'mallory' })
  const own = await openSession(replicas.second.url('docs'), mallory)
  const before = server.seen.length
  for (const [here] of both()) {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const headers = {
        authorization: `Bearer ${mallory}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      }
      const body = method === 'POST' ? { body: JSON.stringify(request('ping')) } : {}
      const stolen = { ...headers, ...inSession(sessionId) }
      assert.equal((await fetch(here, { method, headers: stolen, ...body })).status, 404)
      if (method !== 'GET') continue
      const resuming = { ...headers, ...inSession(own), 'last-event-id': eventId }
      assert.equal((await fetch(here, { headers: resuming })).status, 400)
    }
  }
  assert.equal(server.seen.length, before)
})

test('X-14 rounds of one call go on from gateway to gateway until it is complete, for its caller only', async () => {
  const mallory = await replicas.token({ subject: 'mallory' })
  const send = (url: string, state: unknown, as = token): Promise<Reply> => {
    const more = state === undefined ? {} : { requestState: state, inputResponses: { q: {} } }
    const { body, headers } = modern('tools/call', { name: 'echo', arguments: {}, ...more })
    return post(url, body, { token: as, headers })
  }
  for (const [here, there] of both()) {
    let state: unknown
    for (let round = 1; round <= 3; round++) {
      const url = round % 2 === 0 ? there : here
      const { json } = await send(url, state)
      assert.equal(json?.result?.['resultType'], 'input_required')
      state = json.result['requestState']
      const stolen = await send(url, state, mallory)
      assert.equal(stolen.json?.error?.code, -32602)
    }
    const { json } = await send(there, state)
    assert.deepEqual([json?.result?.['resultType'], json?.result?.['round']], ['complete', 4])
  }
})

// The last one: it ends the first gateway.
test('O-14 what a killed gateway was asked goes on at the other: the session, its stream and its questions', async () => {
  const sessionId = await openSession(replicas.first.url('docs'), token)
  const there = replicas.second.url('docs')
  const asked = request('tools/list', { cursor: 'late' }, 'late')
  const { text } = await post(replicas.url, asked, { token, headers: inSession(sessionId) })
  const [, eventId = ''] = /^id: ([\w-]+)$/m.exec(text) ?? []
  const call = await openPost(replicas.url, callTool('echo', { ask: true }, 'call'), sessionId)
  const [, id = ''] = await call.readUntil(/"id":"([\w-]+)","method":"sampling/)
  replicas.first.child.signal('SIGKILL')
  await assert.rejects(call.readUntil(/never/))
  const headers = inSession(sessionId)
  assert.equal((await post(there, request('ping'), { token, headers })).status, 200)
  const resumed = await openEvents(there, {
    headers: { ...bearer(), ...headers, accept: 'text/event-stream', 'last-event-id': eventId },
  })
  await resumed.readUntil(/"id":"late","result"/)
  resumed.close()
  const answered = { jsonrpc: '2.0', id, result: {} }
  assert.equal((await post(there, answered, { token, headers })).status, 202)
  const mallory = await replicas.token({ subject: 'mallory' })
  assert.equal((await post(there, request('ping'), { token: mallory, headers })).status, 404)
})
