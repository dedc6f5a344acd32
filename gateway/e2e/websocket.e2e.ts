/** A real MCP server behind WebSocket, a stock client in front: every message is judged. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import type { BareWs, WsHandshake } from '../testkit/ws-client.ts'
import { connectWs, openWs } from '../testkit/ws-client.ts'
import type { WsServer } from '../testkit/ws-server.ts'
import { startWsServer } from '../testkit/ws-server.ts'

const ORIGIN = 'https://app.example'
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bare', version: '1' },
  },
}

let server: WsServer
let gateway: TestGatehouse
let bearer: Readonly<Record<string, string>>
const opened: { close(): unknown }[] = []

before(async () => {
  server = await startWsServer()
  gateway = await startGatehouse({
    servers: {
      docs: {
        upstream: server.url,
        credential: { header: 'x-upstream-key', value: '${env:UP_KEY}' },
        max_body: '64KiB',
      },
    },
    rules: [
      {
        id: 'some',
        effect: 'allow',
        subjects: [{ any: true }],
        tools: ['docs/echo', 'docs/slow', 'docs/stuck', 'docs/ask'],
      },
      {
        id: 'roots',
        effect: 'allow',
        subjects: [{ any: true }],
        servers: ['docs'],
        methods: ['roots/list'],
      },
    ],
    config: { allowed_origins: [ORIGIN] },
    env: { UP_KEY: 'upstream-secret-1' },
  })
  bearer = await bearerOf('agent-1')
})

after(() => stopAll(gateway, server))

afterEach(() => {
  for (const one of opened.splice(0)) void one.close()
})

async function bearerOf(subject: string, claims = {}): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await gateway.token('docs', { subject, claims })}` }
}

async function stock(handshake: WsHandshake = { headers: bearer }) {
  const client = await connectWs(gateway.url('docs'), handshake)
  opened.push(client)
  return client
}

/** A bare connection, initialized when it was accepted. */
async function bare(handshake: WsHandshake = { headers: bearer }): Promise<BareWs> {
  const ws = await openWs(gateway.url('docs'), handshake)
  opened.push({ close: () => ws.socket.terminate() })
  if (ws.status !== 101) return ws
  ws.send(INITIALIZE)
  await ws.answer(0)
  return ws
}

async function ticket(headers: Readonly<Record<string, string>>): Promise<Response> {
  return await fetch(`${gateway.url('docs')}/ws-ticket`, { method: 'POST', headers })
}

async function protocolsOf(response: Response): Promise<readonly string[]> {
  assert.equal(response.status, 200)
  const { protocols } = (await response.json()) as { protocols: string[] }
  return protocols
}

test('a stock client lists what it may use, and calls it with the credential of the server', async () => {
  const client = await stock()
  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), ['ask', 'echo', 'slow', 'stuck'])
  const { content } = await client.callTool({ name: 'echo' })
  assert.deepEqual(content, [{ type: 'text', text: 'echoed' }])
  const { headers } = server.last()
  assert.equal(headers['x-upstream-key'], 'upstream-secret-1')
  assert.equal(headers.authorization, undefined)
  assert.equal(headers['sec-websocket-protocol'], 'mcp')
  assert.equal(headers['sec-websocket-extensions'], undefined)
})

test('a denied call is an error for the client and unknown to the server', async () => {
  const client = await stock()
  await assert.rejects(client.callTool({ name: 'delete_all' }), /Unknown tool: delete_all/)
  await assert.rejects(client.callTool({ name: 'no_such_tool' }), /Unknown tool: no_such_tool/)
  assert.ok(!server.calls('tools/call').some((text) => /delete_all|no_such_tool/.test(text)))
})

test('a request of the server reaches the client, and the answer the server', async () => {
  const client = await stock()
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///a' }] }))
  const { content } = await client.callTool({ name: 'ask' })
  assert.deepEqual(content, [{ type: 'text', text: '1 roots' }])
})

test('every message has its decision and its outcome in the audit log', async () => {
  const ws = await bare({ headers: await bearerOf('audited') })
  ws.send(callTool('echo', {}, 7))
  await ws.answer(7)
  ws.send(callTool('delete_all', {}, 8))
  await ws.answer(8)
  ws.socket.close(1000)
  await ws.closed
  const outcomes = await eventually(async () => {
    const records = await gateway.audit()
    const own = records.filter(
      ({ type, caller }) =>
        type === 'outcome' && (caller as { subject?: string })?.subject === 'audited',
    )
    assert.equal(own.length, 4)
    return own
  })
  assert.deepEqual(
    outcomes.map(({ kind, method, effect, outcome }) => [method ?? kind, effect, outcome]),
    [
      ['initialize', 'allow', 'ok'],
      ['tools/call', 'allow', 'ok'],
      ['tools/call', 'deny', 'refused'],
      ['open_stream', 'allow', 'ok'],
    ],
  )
  assert.equal(new Set(outcomes.map(({ visit }) => visit)).size, 4)
})

test('open connections are counted by server', async () => {
  await bare()
  const metrics = await gateway.metrics()
  assert.match(metrics, /gatehouse_streams_open\{server="docs",kind="websocket"\} [1-9]/)
})

const REFUSED: readonly (readonly [
  what: string,
  handshake: () => WsHandshake | Promise<WsHandshake>,
  status: number,
])[] = [
  ['without a token', () => ({}), 401],
  ['with a token of nobody', () => ({ headers: { authorization: 'Bearer a.b.c' } }), 401],
  [
    'with a token for another server',
    async () => ({
      headers: {
        authorization: `Bearer ${await gateway.token('docs', { audience: 'https://other.example' })}`,
      },
    }),
    401,
  ],
  ['without a subprotocol', () => ({ headers: bearer, protocols: [] }), 400],
  ['with another subprotocol', () => ({ headers: bearer, protocols: ['mcp2'] }), 400],
  [
    'from a page of another origin',
    () => ({ headers: { ...bearer, origin: 'https://evil.example' } }),
    403,
  ],
  ['for another host', () => ({ headers: { ...bearer, host: 'evil.example' } }), 421],
  [
    'with a made-up ticket',
    () => ({ protocols: ['mcp', 'mcp.ticket.AAAA'], headers: { origin: ORIGIN } }),
    401,
  ],
  [
    'with a token and a ticket',
    () => ({ protocols: ['mcp', 'mcp.ticket.AAAA'], headers: bearer }),
    400,
  ],
]

for (const [what, handshake, status] of REFUSED) {
  test(`a handshake ${what} is refused with ${status}, and the server sees no connection`, async () => {
    const before = server.connections.length
    const ws = await bare(await handshake())
    assert.equal(ws.status, status)
    if (status === 401) assert.match(String(ws.headers['www-authenticate']), /resource_metadata=/)
    assert.equal(ws.headers['connection'], 'close')
    assert.ok('error' in (JSON.parse(ws.body) as object))
    assert.equal(server.connections.length, before)
  })
}

test('a handshake is answered with the subprotocol alone, and without compression', async () => {
  const ws = await bare()
  assert.equal(ws.headers['sec-websocket-protocol'], 'mcp')
  assert.equal(ws.headers['sec-websocket-extensions'], undefined)
})

test('a page of an allowed origin connects with a ticket, once', async () => {
  const preflight = await fetch(`${gateway.url('docs')}/ws-ticket`, {
    method: 'OPTIONS',
    headers: { origin: ORIGIN, 'access-control-request-headers': 'authorization' },
  })
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'authorization')
  const response = await ticket({ ...bearer, origin: ORIGIN })
  assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const protocols = await protocolsOf(response)
  const client = await stock({ protocols, headers: { origin: ORIGIN } })
  assert.equal((await client.listTools()).tools.length, 4)
  assert.equal((await bare({ protocols, headers: { origin: ORIGIN } })).status, 401)
})

test('a ticket is of no use to another origin, and does not get into the records', async () => {
  const protocols = await protocolsOf(await ticket({ ...bearer, origin: ORIGIN }))
  assert.equal((await bare({ protocols })).status, 401)
  assert.equal((await bare({ protocols, headers: { origin: gateway.origin } })).status, 401)
  assert.equal((await bare({ protocols, headers: { origin: ORIGIN } })).status, 101)
  const written = JSON.stringify(await gateway.audit()) + gateway.child.output()
  assert.ok(!written.includes(protocols[1]!))
})

test('nobody gets a ticket without a good token, or from another origin', async () => {
  assert.equal((await ticket({})).status, 401)
  assert.equal((await ticket({ authorization: 'Bearer a.b.c' })).status, 401)
  assert.equal((await ticket({ ...bearer, origin: 'https://evil.example' })).status, 403)
  const get = await fetch(`${gateway.url('docs')}/ws-ticket`, { headers: bearer })
  assert.equal(get.status, 405)
})

test('a call over HTTP is told to upgrade', async () => {
  const response = await fetch(gateway.url('docs'), {
    method: 'POST',
    headers: { ...bearer, 'content-type': 'application/json' },
    body: JSON.stringify(callTool('echo')),
  })
  assert.equal(response.status, 426)
  assert.equal(response.headers.get('upgrade'), 'websocket')
})

test('a message that is no JSON-RPC is answered, and the connection goes on', async () => {
  const ws = await bare()
  ws.send('{"jsonrpc":')
  await eventually(() => {
    const error = ws.received.at(-1)?.['error'] as { readonly code: number } | undefined
    assert.equal(error?.code, -32700)
  })
  ws.send(callTool('echo', {}, 3))
  assert.ok('result' in (await ws.answer(3)))
})

test('a binary message closes the connection with 1003, and is not passed on', async () => {
  const ws = await bare()
  const before = server.seen.length
  ws.socket.send(Buffer.from(JSON.stringify(callTool('echo', {}, 3))), { binary: true })
  assert.equal((await ws.closed).code, 1003)
  assert.equal(server.seen.length, before)
})

test('a message above max_body closes the connection with 1009, and is not passed on', async () => {
  const ws = await bare()
  const before = server.seen.length
  ws.send(callTool('echo', { text: 'x'.repeat(65_536) }, 3))
  assert.equal((await ws.closed).code, 1009)
  assert.equal(server.seen.length, before)
})

test('a message in pieces is one message; in too many it closes the connection', async () => {
  const ws = await bare()
  const text = JSON.stringify(callTool('echo', {}, 3))
  ws.socket.send(text.slice(0, 10), { fin: false })
  ws.socket.send(text.slice(10), { fin: true })
  assert.ok('result' in (await ws.answer(3)))
  for (let piece = 0; piece < 65; piece++) ws.socket.send('', { fin: false })
  assert.equal((await ws.closed).code, 1008)
})

test('a message that is not UTF-8 closes the connection with 1007', async () => {
  const ws = await bare()
  ws.socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false })
  assert.equal((await ws.closed).code, 1007)
})

test('a ping is answered', async () => {
  const ws = await bare()
  const answered = new Promise<Buffer>((resolve) => ws.socket.once('pong', resolve))
  ws.socket.ping('here?')
  assert.equal((await answered).toString(), 'here?')
})

test('a revocation closes the connection within 5 s with 4403, and nothing more goes up', async () => {
  const ws = await bare({ headers: await bearerOf('revoked-1') })
  ws.send(callTool('stuck', {}, 3))
  await eventually(() => assert.ok(server.seen.at(-1)?.includes('stuck')))
  const { status } = await gateway.admin('POST', '/admin/revocations', {
    body: { kind: 'subject', issuer: 'https://issuer.test', value: 'revoked-1' },
  })
  assert.ok(status < 300, String(status))
  const before = server.seen.length
  const since = performance.now()
  ws.send(callTool('echo', {}, 4))
  const { code, atMs } = await ws.closed
  assert.equal(code, 4403)
  // Three times as long, for a busy machine.
  assert.ok(atMs - since < 15_000)
  assert.equal(server.seen.length, before)
  await eventually(() => assert.notEqual(server.last().socket.readyState, 1))
})

test('what the client has left running is recorded as given up', async () => {
  const ws = await bare({ headers: await bearerOf('leaving') })
  ws.send(callTool('stuck', {}, 3))
  await eventually(() => assert.ok(server.seen.at(-1)?.includes('stuck')))
  ws.socket.terminate()
  await eventually(async () => {
    const records = await gateway.audit()
    const gone = records.filter(
      ({ type, method, outcome }) =>
        type === 'outcome' && method === 'tools/call' && outcome === 'client_gone',
    )
    assert.equal(gone.length, 1)
  })
})

test('a server that breaks off leaves its callers with an error, and no clean end', async () => {
  const ws = await bare()
  ws.send(callTool('stuck', {}, 3))
  await eventually(() => assert.ok(server.seen.at(-1)?.includes('stuck')))
  server.last().socket.terminate()
  const { error } = (await ws.answer(3)) as { readonly error?: { readonly code: number } }
  assert.equal(error?.code, 1003)
  assert.equal((await ws.closed).code, 1011)
})

test('an upgrade behind a request that is still answered is not taken', async (t) => {
  const silent = await startRecordingServer(({ json }) => json?.method === 'tools/call')
  t.after(() => silent.stop())
  const both = await startGatehouse({
    servers: { docs: server.url, silent: silent.url },
    rules: [{ id: 'all', effect: 'allow', subjects: [{ any: true }], tools: ['*/*'] }],
  })
  t.after(() => both.stop())
  const { hostname, port, pathname, host } = new URL(both.url('docs'))
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const token = await both.token('silent')
  const call = JSON.stringify(callTool('echo'))
  const first =
    `POST ${new URL(both.url('silent')).pathname} HTTP/1.1\r\nHost: ${host}\r\n` +
    `Authorization: Bearer ${token}\r\nAccept: application/json, text/event-stream\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${call.length}\r\n\r\n${call}`
  const head = `Host: ${host}\r\nAuthorization: Bearer ${await both.token('docs')}\r\n`
  const upgrade =
    `GET ${pathname} HTTP/1.1\r\n${head}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Protocol: mcp\r\n\r\n'
  const before = server.connections.length
  socket.write(first + upgrade)
  await closed
  assert.ok(!received.includes('101'))
  assert.equal(server.connections.length, before)
})

test('an address the server no longer has closes its connections with 1012; a policy that lets nobody in with 4403', async () => {
  const moved = await bare()
  const other = await startWsServer()
  opened.push({ close: () => other.stop() })
  await gateway.writeConfig({ servers: { docs: { upstream: other.url } } })
  assert.equal((await moved.closed).code, 1012)
  const denied = await bare()
  await gateway.writePolicy([])
  assert.equal((await denied.closed).code, 4403)
})
