/**
 * What reaches a server without its caller having asked for just that: the gateway's own look-ups, its
 * replies to server requests, and headers beside a body that was judged.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { sendEvents, sendJson, startRecordingServer } from '../../testkit/recording-server.ts'
import type { Reply } from '../../testkit/rpc.ts'
import { callTool, modern, openSession, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse
let token: string

/** Headers that say something else than the body. */
const LIES = { 'mcp-method': 'tools/list', 'mcp-name': 'delete_all', 'mcp-param-region': 'eu' }

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [allowAll('docs')],
    // One caller opens hundreds of sessions here.
    config: { limits: { initialize: 'none' } },
  })
})

beforeEach(async () => {
  server.override = undefined
  server.seen.length = 0
  // Look-ups are bounded per caller.
  callers += 1
  token = await gateway.token('docs', { subject: `agent-${callers}` })
})

let callers = 0

after(() => stopAll(gateway, server))

async function call(name: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return post(gateway.url('docs'), callTool(name), { token, headers })
}

/** The `mcp-` headers of a request but the version. */
function mirrored(seen: Seen | undefined): readonly string[] {
  const names = Object.keys(seen?.headers ?? {}).filter((name) => name.startsWith('mcp-'))
  return names.filter((name) => name !== 'mcp-protocol-version')
}

for (const status of [400, 401, 403, 404, 408, 429, 500, 503]) {
  test(`a tool that no list shows does not run because the list was refused with ${status}`, async () => {
    server.override = ({ json }, response) => {
      if (json?.method !== 'tools/list') return false
      response.writeHead(status).end()
      return true
    }
    const reply = await call('backdoor')
    assert.deepEqual([reply.status, reply.json?.error?.code], [200, 1003])
    assert.equal(server.calls('tools/call').length, 0)
  })
}

test('a session that has ended is told so by the server, and its 404 stays a 404', async () => {
  server.override = undefined
  const sessionId = await openSession(gateway.url('docs'), token)
  server.override = (_seen, response) => {
    response.writeHead(404, { 'content-type': 'application/json' })
    response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"No such session"}}')
    return true
  }
  const reply = await call('never_listed', { 'mcp-session-id': sessionId })
  assert.deepEqual([reply.status, reply.json?.error?.code], [404, -32_001])
})

test('a list that pages slowly or without an end holds a call no longer than three seconds', async () => {
  server.override = async ({ json }, response) => {
    if (json?.method !== 'tools/list') return false
    await new Promise((resolve) => setTimeout(resolve, 700))
    sendJson(response, { jsonrpc: '2.0', id: json.id, result: { tools: [], nextCursor: 'more' } })
    return true
  }
  const started = performance.now()
  const reply = await call('made_up')
  // Its pages never end.
  assert.ok(performance.now() - started < 15_000)
  assert.equal(reply.json?.error?.code, 1003)
})

test('two hundred sessions of one caller cost the server a handful of lists', async () => {
  const url = gateway.url('docs')
  const sessions: string[] = []
  for (let at = 0; at < 200; at++) sessions.push(await openSession(url, token))
  const started = performance.now()
  for (const sessionId of sessions) {
    const reply = await call('ghost', { 'mcp-session-id': sessionId })
    assert.ok(reply.json?.error)
  }
  const seconds = Math.ceil((performance.now() - started) / 1_000)
  const lists = server.calls('tools/list').length
  assert.ok(lists > 0 && lists <= 5 * seconds, `${lists} lists in ${seconds} s`)
  assert.equal(server.calls('tools/call').length, 0)
})

test('a session that was made up costs the server nothing', async () => {
  const reply = await call('ghost', { 'mcp-session-id': 'made-up' })
  assert.equal(reply.status, 404)
  assert.equal(server.seen.length, 0)
})

test('mirrored headers that nobody compares with the body do not go up', async () => {
  await call('echo', LIES)
  assert.deepEqual(mirrored(server.calls('tools/call')[0]), [])

  const list = modern('tools/list')
  const headers = { ...LIES, ...list.headers }
  assert.equal((await post(gateway.url('docs'), list.body, { token, headers })).status, 200)
  assert.deepEqual(mirrored(server.seen.at(-1)), ['mcp-method'])

  await fetch(gateway.url('docs'), { headers: { authorization: `Bearer ${token}`, ...LIES } })
  assert.deepEqual([server.seen.at(-1)?.method, mirrored(server.seen.at(-1))], ['GET', []])
})

test('mirrored headers that agree with a modern call go up with it', async () => {
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: {} })
  await post(gateway.url('docs'), body, {
    token,
    headers: { ...headers, 'mcp-param-region': 'eu' },
  })
  assert.deepEqual(mirrored(server.calls('tools/call')[0]).toSorted(), [
    'mcp-method',
    'mcp-name',
    'mcp-param-region',
  ])
})

test('neither a look-up nor a reply to the server carries the last event id', async (t) => {
  server.override = ({ json }, response) => {
    if (json?.method !== 'tools/call') return false
    const sampling = { jsonrpc: '2.0', id: 's-1', method: 'sampling/createMessage', params: {} }
    sendEvents(response, [sampling, { jsonrpc: '2.0', id: json.id, result: { content: [] } }])
    return true
  }
  const tools = { id: 'tools', effect: 'allow', subjects: [{ any: true }], tools: ['docs/*'] }
  const fresh = await startGatehouse({ servers: { docs: server.url }, rules: [tools] })
  t.after(() => fresh.stop())
  const own = await fresh.token('docs')
  const sessionId = await openSession(fresh.url('docs'), own)
  server.seen.length = 0
  const headers = { ...LIES, 'mcp-session-id': sessionId, 'last-event-id': 'e-7' }
  await post(fresh.url('docs'), callTool('echo'), { token: own, headers })
  await eventually(() => assert.equal(server.seen.length, 3))
  for (const seen of server.seen) {
    assert.equal(seen.headers['last-event-id'], undefined)
    assert.deepEqual(mirrored(seen), ['mcp-session-id'])
  }
  assert.equal(server.seen.filter(({ json }) => json?.error !== undefined).length, 1)
})

test('a server that floods its stream with requests has sixteen replies open and no more', async (t) => {
  const tools = { id: 'tools', effect: 'allow', subjects: [{ any: true }], tools: ['docs/*'] }
  const fresh = await startGatehouse({ servers: { docs: server.url }, rules: [tools] })
  t.after(() => fresh.stop())
  let open = 0
  let mostOpen = 0
  server.override = ({ method, json }, response) => {
    if (json?.error !== undefined) {
      open += 1
      mostOpen = Math.max(mostOpen, open)
      // It is never taken; where the machine is slow the gateway gives up on some, and sends others.
      response.on('close', () => (open -= 1))
      return new Promise(() => undefined)
    }
    if (method !== 'GET') return false
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let id = 0; id < 5_000; id++) {
      response.write(`data: {"jsonrpc":"2.0","id":${id},"method":"sampling/createMessage"}\n\n`)
    }
    return true
  }
  const listening = new AbortController()
  const own = await fresh.token('docs')
  const headers = { authorization: `Bearer ${own}`, accept: 'text/event-stream' }
  await fetch(fresh.url('docs'), { headers, signal: listening.signal })
  await eventually(() => assert.equal(mostOpen, 16))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(mostOpen, 16)
  // What was refused is over, although the stream is not.
  await eventually(async () => {
    const asked = (await fresh.audit()).filter(({ direction }) => direction === 'down')
    const outcomes = asked.filter(({ type }) => type === 'outcome')
    assert.ok(outcomes.length >= 16)
    assert.deepEqual(new Set(outcomes.map(({ outcome }) => outcome)), new Set(['refused']))
  })
  listening.abort()
})
