/** Legacy sessions through the gateway: whose they are, on which replica, and what never reaches the server. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import { messagesIn } from '../testkit/read-answer.ts'
import type { RecordingServer, Rpc, Seen } from '../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const UPSTREAM_ID = 'upstream-session-1'

let server: RecordingServer
let first: TestGatehouse
let second: TestGatehouse
let token: string

before(async () => {
  server = await startRecordingServer(answer)
  const env = { GATEHOUSE_KEYS: `k1:${randomBytes(32).toString('base64url')}` }
  first = await startGatehouse({
    servers: { docs: server.url },
    rules: [allowAll('docs'), sampling()],
    env,
  })
  second = await startGatehouse({
    servers: { docs: { upstream: server.url, audiences: [first.url('docs')] } },
    rules: [allowAll('docs'), sampling()],
    config: { issuers: [{ issuer: ISSUER, jwks: { keys: [first.signer.jwk] }, kind: 'agent' }] },
    env,
  })
  token = await first.token('docs')
})

after(() => stopAll(first, second, server))

/** Lets the server ask its client for a sample. */
function sampling(): Readonly<Record<string, unknown>> {
  const methods = ['sampling/createMessage']
  return { id: 'sampling', effect: 'allow', subjects: [{ any: true }], methods }
}

/** Opens a session on `initialize`; `ask` makes the server ask its client, under the id 7. */
function answer({ method, json }: Seen, response: ServerResponse): boolean {
  const reply = (result: unknown): Rpc & { jsonrpc: string } => ({
    jsonrpc: '2.0',
    id: json?.id,
    result,
  })
  if (json?.method === 'initialize') {
    response.setHeader('mcp-session-id', UPSTREAM_ID)
    const protocolVersion = json.params?.['protocolVersion']
    const serverInfo = { name: 's', version: '1' }
    sendJson(response, reply({ protocolVersion, capabilities: {}, serverInfo }), {
      'mcp-session-id': UPSTREAM_ID,
    })
    return true
  }
  if ((json?.params?.['arguments'] as { ask?: boolean } | undefined)?.ask === true) {
    sendEvents(response, [
      { jsonrpc: '2.0', id: 7, method: 'sampling/createMessage', params: { messages: [] } },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } },
      reply({ content: [] }),
    ])
    return true
  }
  if (method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(
      'id: 41\ndata:\n\nid: 42\nretry: 10\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n',
    )
    return true
  }
  return false
}

function initialize(gateway: TestGatehouse, protocolVersion?: string): Promise<string> {
  return openSession(gateway.url('docs'), token, protocolVersion)
}

function inSession(sessionId: string): Readonly<Record<string, string>> {
  return { 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' }
}

async function ask(sessionId: string): Promise<readonly Rpc[]> {
  const { text } = await post(first.url('docs'), callTool('echo', { ask: true }), {
    token,
    headers: inSession(sessionId),
  })
  return messagesIn(text)
}

test('the client never sees the id of the server, and the server never that of the client', async () => {
  const sessionId = await initialize(first)
  assert.ok(!sessionId.includes(UPSTREAM_ID) && !atob(toBase64(sessionId)).includes(UPSTREAM_ID))
  const { status } = await post(first.url('docs'), request('ping'), {
    token,
    headers: inSession(sessionId),
  })
  assert.equal(status, 200)
  assert.equal(server.calls('ping').at(-1)?.headers['mcp-session-id'], UPSTREAM_ID)
})

test('X-09 a session is unknown to everybody else, with every method, and the server sees nothing', async () => {
  const sessionId = await initialize(first)
  const mallory = await first.token('docs', { subject: 'mallory' })
  const tries = [
    [mallory, sessionId],
    [token, UPSTREAM_ID],
    [token, sessionId.slice(0, -2)],
  ] as const
  for (const [bearer, id] of tries) {
    const before = server.seen.length
    for (const method of ['POST', 'GET', 'DELETE']) {
      const response = await fetch(first.url('docs'), {
        method,
        headers: {
          authorization: `Bearer ${bearer}`,
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          ...inSession(id),
        },
        ...(method === 'POST' ? { body: JSON.stringify(request('ping')) } : {}),
      })
      assert.equal(response.status, 404, method)
      assert.match(await response.text(), /Session not found/)
    }
    assert.equal(server.seen.length, before)
  }
})

test('X-11 a refreshed token goes on with the session', async () => {
  const sessionId = await initialize(first)
  const refreshed = await first.token('docs', { scope: 'more', expiresInSeconds: 120 })
  const { status } = await post(first.url('docs'), request('ping'), {
    token: refreshed,
    headers: inSession(sessionId),
  })
  assert.equal(status, 200)
})

test('another replica with the same keys serves the session, and one without does not', async () => {
  const sessionId = await initialize(first)
  const there = await post(second.url('docs'), request('ping'), {
    token,
    headers: inSession(sessionId),
  })
  assert.deepEqual([there.status, there.json?.error], [200, undefined])
  const stranger = await startGatehouse({
    servers: { docs: { upstream: server.url, audiences: [first.url('docs')] } },
    rules: [allowAll('docs')],
    config: { issuers: [{ issuer: ISSUER, jwks: { keys: [first.signer.jwk] }, kind: 'agent' }] },
  })
  const elsewhere = await post(stranger.url('docs'), request('ping'), {
    token,
    headers: inSession(sessionId),
  })
  await stranger.stop()
  assert.equal(elsewhere.status, 404)
})

test('a request of the server is answered through either replica, under the id it was asked with', async () => {
  const sessionId = await initialize(first)
  const [asked, cancelled] = await ask(sessionId)
  assert.equal(asked?.method, 'sampling/createMessage')
  assert.ok(typeof asked.id === 'string')
  assert.equal(cancelled?.params?.['requestId'], asked.id)
  const body = { jsonrpc: '2.0', id: asked.id, result: { role: 'assistant' } }
  for (const gateway of [first, second]) {
    const { status } = await post(gateway.url('docs'), body, {
      token,
      headers: inSession(sessionId),
    })
    assert.equal(status, 202)
    const { json, headers } = server.seen.at(-1)!
    assert.deepEqual(json, { ...body, id: 7 })
    assert.equal(headers['content-length'], String(JSON.stringify({ ...body, id: 7 }).length))
  }
})

test('X-13 an answer to what was never asked, or in another session, is refused and not seen', async () => {
  const [sessionId, other] = [await initialize(first), await initialize(first)]
  const [asked] = await ask(sessionId)
  const before = server.seen.length
  const mallory = await first.token('docs', { subject: 'mallory' })
  const tries = [
    [token, sessionId, 7],
    [token, sessionId, 'made-up'],
    [token, sessionId, `${String(asked?.id)}A`],
  ] as const
  for (const [bearer, session, id] of tries) {
    const { status, json } = await post(
      first.url('docs'),
      { jsonrpc: '2.0', id, result: {} },
      { token: bearer, headers: inSession(session) },
    )
    assert.deepEqual([status, json?.error?.code], [400, -32600])
  }
  const { status } = await post(
    first.url('docs'),
    { jsonrpc: '2.0', id: asked?.id, result: {} },
    { token: mallory, headers: inSession(other) },
  )
  assert.equal(status, 404)
  assert.equal(server.seen.length, before)
})

test('event ids are handles: they resume a stream on either replica, for their owner only', async () => {
  const sessionId = await initialize(first)
  const listen = (
    gateway: TestGatehouse,
    bearer: string,
    lastEventId?: string,
  ): Promise<Response> =>
    fetch(gateway.url('docs'), {
      headers: {
        authorization: `Bearer ${bearer}`,
        accept: 'text/event-stream',
        ...(bearer === token ? inSession(sessionId) : {}),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    })
  const text = await (await listen(first, token)).text()
  const ids = [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id ?? '')
  assert.equal(ids.length, 2)
  assert.doesNotMatch(text, /id: 4[12]$/m)
  assert.match(text, /^retry: 10$/m)
  assert.equal((await listen(second, token, ids[1])).status, 200)
  assert.equal(server.seen.at(-1)?.headers['last-event-id'], '42')
  const before = server.seen.length
  const mallory = await first.token('docs', { subject: 'mallory' })
  for (const [bearer, id] of [
    [mallory, ids[1]],
    [token, '42'],
  ] as const) {
    assert.equal((await listen(first, bearer, id)).status, 400)
  }
  assert.equal(server.seen.length, before)
})

test('the version a session negotiated is in force where a request names none', async () => {
  const sessionId = await initialize(first, '2025-06-18')
  await post(first.url('docs'), callTool('echo'), {
    token,
    headers: { 'mcp-session-id': sessionId },
  })
  await eventually(async () => {
    const calls = (await first.audit()).filter(({ method }) => method === 'tools/call')
    assert.equal(calls.at(-1)?.['version'], '2025-06-18')
  })
})

function toBase64(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '/')
}
