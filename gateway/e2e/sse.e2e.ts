/** HTTP+SSE of revision 2024-11-05: stock clients, an unmodified server, one or two real gateways. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'

import type { EverythingServer } from '../testkit/everything.ts'
import { startEverything } from '../testkit/everything.ts'
import { openEvents } from '../testkit/event-reader.ts'
import { eventually } from '../testkit/eventually.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import { connectPython } from '../testkit/python-client.ts'
import { callTool, modern } from '../testkit/rpc.ts'
import { connectSse, connectV1 } from '../testkit/sdk-client.ts'
import type { SseServer } from '../testkit/sse-server.ts'
import { startSseServer } from '../testkit/sse-server.ts'
import { stopAll } from '../testkit/stop-all.ts'

/** A denied call must be over in this time; clients would wait much longer. */
const SOON_MS = 10_000

const EVERYTHING = ['echo', 'trigger-long-running-operation', 'no-such-tool']

const rules = (...tools: readonly string[]) => [
  {
    id: 'some',
    effect: 'allow',
    subjects: [{ kind: 'agent' }],
    tools: [...EVERYTHING.map((name) => `everything/${name}`), ...tools],
  },
]

const KEYS = { GATEHOUSE_KEYS: `k1:${randomBytes(32).toString('base64url')}` }

let everything: EverythingServer
let recorded: SseServer
let foreign: SseServer
let elsewhere: SseServer
let gateway: TestGatehouse

before(async () => {
  everything = await startEverything(undefined, 'sse')
  recorded = await startSseServer()
  elsewhere = await startSseServer()
  foreign = await startSseServer((session) => `${elsewhere.origin}/messages?session=${session}`)
  gateway = await startGatehouse({
    servers: {
      everything: sse(everything.url),
      recorded: sse(recorded.sse),
      foreign: sse(foreign.sse),
      gone: sse(`http://127.0.0.1:${await freePort()}/sse`),
    },
    rules: rules('recorded/echo', 'foreign/*', 'gone/*'),
    config: (place) => ({
      public_url: `${place.origin}/behind/a/prefix`,
      listen: { port: place.port, max_streams_per_caller: 2 },
    }),
    env: KEYS,
  })
})

after(() => stopAll(gateway, everything, recorded, foreign, elsewhere))

function sse(url: string, more: Readonly<Record<string, unknown>> = {}) {
  return { upstream: { url, transport: 'sse' }, ...more }
}

const url = (server: string): string => gateway.url(server)

const tokenOf = (server: string, subject = 'alice', more = {}): Promise<string> =>
  gateway.token(server, { subject, ...more })

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Opens a stream by hand; resolves with the URL its first event names. */
async function openStream(server: string, token: string) {
  const stream = await openEvents(url(server), { headers: bearer(token) })
  assert.equal(stream.status, 200)
  const { readUntil, close } = stream
  const [, endpoint = ''] = await readUntil(/event: endpoint\ndata: (\S+)\n\n/)
  return { endpoint: new URL(endpoint, url(server)), readUntil, close }
}

const post = (endpoint: URL | string, message: unknown, headers: Record<string, string>) =>
  fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  })

test('the TypeScript SDK lists, calls, hears of progress and is denied as the policy says', async () => {
  const client = await connectSse(url('everything'), await tokenOf('everything'))
  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), [
    'echo',
    'trigger-long-running-operation',
  ])
  const heard: number[] = []
  await client.callTool(
    { name: 'trigger-long-running-operation', arguments: { duration: 0.6, steps: 2 } },
    undefined,
    { onprogress: ({ progress }) => heard.push(progress) },
  )
  assert.ok(heard.length > 0)
  for (const name of ['get-env', 'no-such-tool', 'made-up']) {
    const started = performance.now()
    await assert.rejects(client.callTool({ name, arguments: {} }), {
      code: -32602,
      message: new RegExp(`Unknown tool: ${name}`),
    })
    assert.ok(performance.now() - started < SOON_MS)
  }
  const { content } = await client.callTool({ name: 'echo', arguments: { message: 'still here' } })
  assert.match(JSON.stringify(content), /still here/)
  await client.close()
})

test('the Python SDK reads a denied call as an error, and its session goes on', async () => {
  const client = await connectPython(url('everything'), await tokenOf('everything'), 'sse')
  assert.ok(client.hello.ok, JSON.stringify(client.hello))
  const denied = await client.ask('call_tool', { name: 'get-env', arguments: {} })
  assert.equal(denied.error?.code, -32602)
  assert.ok(denied.ms < SOON_MS)
  const { ok } = await client.ask('call_tool', { name: 'echo', arguments: { message: 'hello' } })
  assert.match(JSON.stringify(ok), /hello/)
  await client.close()
})

test('the server sees its own endpoint and nothing of the caller’s token or of a denied call', async () => {
  const token = await tokenOf('recorded')
  const client = await connectSse(url('recorded'), token)
  const { tools } = await client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['echo'],
  )
  await assert.rejects(client.callTool({ name: 'delete_all', arguments: { canary: 'c4n4ry' } }), {
    message: /Unknown tool: delete_all/,
  })
  await client.callTool({ name: 'echo', arguments: {} })
  const posts = recorded.posts()
  assert.deepEqual(
    [...new Set(posts.map(({ target }) => target.replace(/\d+$/, 'N')))],
    ['/messages?session=sN'],
  )
  assert.deepEqual(
    recorded.calls('tools/call').map(({ json }) => json?.params?.['name']),
    ['echo'],
  )
  assert.equal(recorded.calls('ping').length, 1)
  for (const { body, rawHeaders } of recorded.seen) {
    assert.doesNotMatch(body.toString(), /delete_all|c4n4ry/)
    assert.equal(rawHeaders.join('\n').includes(token), false)
  }
  await client.close()
})

test('a handle is of no use to anybody else, nor without a token that counts', async () => {
  const { endpoint, readUntil, close } = await openStream('recorded', await tokenOf('recorded'))
  assert.equal(endpoint.origin + endpoint.pathname, url('recorded'))
  const seen = recorded.seen.length
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const late = await tokenOf('recorded', 'alice', { expiresInSeconds: -60 })
  for (const [headers, status] of [
    [{}, 401],
    [bearer(late), 401],
    [bearer(await tokenOf('recorded', 'bob')), 404],
    [bearer(await tokenOf('recorded', 'alice', { client: 'another' })), 404],
  ] as const) {
    const response = await post(endpoint, ping, headers)
    assert.equal(response.status, status)
    assert.equal(response.headers.has('www-authenticate'), status === 401)
  }
  assert.equal((await fetch(url('recorded'))).status, 401)
  assert.equal(recorded.seen.length, seen)
  // The same caller with a fresh token goes on.
  assert.equal((await post(endpoint, ping, bearer(await tokenOf('recorded')))).status, 202)
  await readUntil(/"id":1,"result"/)
  close()
})

test('a malformed message is answered where it was sent, and the stream goes on', async () => {
  const headers = bearer(await tokenOf('recorded'))
  const { endpoint, readUntil, close } = await openStream('recorded', await tokenOf('recorded'))
  const seen = recorded.seen.length
  const response = await post(endpoint, [callTool('echo')], headers)
  assert.equal(response.status, 400)
  assert.equal(recorded.seen.length, seen)
  await post(endpoint, { jsonrpc: '2.0', id: 'x', method: 'ping' }, headers)
  await readUntil(/"id":"x"/)
  close()
})

test('a client that tries the modern era first is told the one revision there is, and the server sees nothing', async () => {
  const seen = recorded.seen.length
  const { body, headers } = modern('server/discover', {}, 'd-1')
  const response = await post(url('recorded'), body, {
    ...bearer(await tokenOf('recorded')),
    ...headers,
  })
  assert.equal(response.status, 400)
  assert.deepEqual(await response.json(), {
    jsonrpc: '2.0',
    id: 'd-1',
    error: {
      code: -32022,
      message: 'Unsupported protocol version',
      data: { supported: ['2024-11-05'], requested: '2026-07-28' },
    },
  })
  assert.equal(recorded.seen.length, seen)
})

test('a client that goes away ends its stream at the server and gives its place back', async () => {
  // Those of the tests before are gone.
  await eventually(() => assert.equal(recorded.streams.size, 0))
  const token = await tokenOf('recorded', 'carol')
  const [first, second] = [await openStream('recorded', token), await openStream('recorded', token)]
  const third = await fetch(url('recorded'), { headers: bearer(token) })
  assert.equal(third.status, 429)
  assert.equal(recorded.streams.size, 2)
  first.close()
  await eventually(() => assert.equal(recorded.streams.size, 1))
  const again = await openStream('recorded', token)
  again.close()
  second.close()
  await eventually(() => assert.equal(recorded.streams.size, 0))
})

test('an endpoint at another origin ends the stream, is told to the operator and gets nothing', async () => {
  const token = await tokenOf('foreign')
  await assert.rejects(openStream('foreign', token))
  await eventually(() => assert.match(gateway.child.output(), /endpoint_refused/))
  assert.match(gateway.child.output(), /server foreign is at another origin/)
  assert.equal(elsewhere.seen.length, 0)
  await eventually(async () => {
    const records = await gateway.audit()
    const outcome = records.find((one) => one['type'] === 'outcome' && one['server'] === 'foreign')
    assert.equal(outcome?.['refusal'], 'upstream_unavailable')
    assert.match(String(outcome['detail']), /another origin/)
  })
  await assert.rejects(connectSse(url('foreign'), token))
})

test('a server that is away is a 502, and a stream it breaks off is not ended cleanly', async () => {
  const away = await fetch(url('gone'), { headers: bearer(await tokenOf('gone')) })
  assert.equal(away.status, 502)
  await assert.rejects(connectSse(url('gone'), await tokenOf('gone')), { message: /502/ })
  const token = await tokenOf('recorded')
  const { endpoint, readUntil } = await openStream('recorded', token)
  for (const stream of recorded.streams.values()) stream.socket?.resetAndDestroy()
  await assert.rejects(readUntil(/never/), { name: 'TypeError' })
  const response = await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'ping' }, bearer(token))
  assert.equal(response.status, 404)
})

test('a Streamable HTTP client is told to come with GET, and the server hears nothing', async () => {
  const seen = recorded.seen.length
  const token = await tokenOf('recorded')
  await assert.rejects(connectV1(url('recorded'), token), { code: 405 })
  const response = await post(url('recorded'), callTool('echo'), bearer(token))
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, OPTIONS'])
  assert.equal(recorded.seen.length, seen)
})

test('two gateways with the same keys share a session, request by request', async () => {
  const one = await startGatehouse({
    servers: { everything: sse(everything.url) },
    rules: rules(),
    env: KEYS,
  })
  const audiences = [one.url('everything')]
  const two = await startGatehouse({
    servers: { everything: sse(everything.url, { audiences }) },
    rules: rules(),
    config: { issuers: [{ issuer: ISSUER, jwks: { keys: [one.signer.jwk] }, kind: 'agent' }] },
    env: KEYS,
  })
  const posts = { one: 0, two: 0 }
  const alternate: typeof fetch = (to, init) => {
    const target = new URL(to instanceof Request ? to.url : to)
    if (posts.one <= posts.two) posts.one += 1
    else {
      posts.two += 1
      target.port = new URL(two.origin).port
    }
    return fetch(target, init)
  }
  const token = await one.token('everything')
  const client = await connectSse(one.url('everything'), token, alternate)
  for (let round = 0; round < 3; round++) {
    const { tools } = await client.listTools()
    assert.equal(tools.length, 2)
    const echo = await client.callTool({ name: 'echo', arguments: { message: `round ${round}` } })
    assert.match(JSON.stringify(echo.content), new RegExp(`round ${round}`))
    for (const name of ['get-env', 'no-such-tool']) {
      await assert.rejects(client.callTool({ name, arguments: {} }), { message: /Unknown tool/ })
    }
    // An odd number of requests, so that the next round meets the other gateway with each.
    await client.ping()
  }
  assert.ok(posts.one > 5 && posts.two > 5)
  await client.close()
  await one.stop()
  await two.stop()
})

test('nothing of all this was a fault of the gateway', () => {
  assert.doesNotMatch(gateway.child.output(), /fault|"level":"error"|no key ring/)
})
