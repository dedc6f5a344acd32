/**
 * Several requests on one connection, requests hidden in others, and headers that belong to one hop,
 * on real sockets. The names (N-09 …) are those of the project's threat model.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import type { Header, RawClient, Sent } from '../../testkit/raw-client.ts'
import { chunked, createRawClient, OK, upgradeTo } from '../../testkit/raw-client.ts'
import type { RawReply } from '../../testkit/raw-http.ts'
import { exchangeRaw, openRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const API_KEY = 'upstream-key-1234567890'
const METADATA = '/.well-known/oauth-protected-resource/mcp'

/** The body of a call that must never be made. */
const HIDDEN = JSON.stringify(callTool('echo', { hidden: true }))

let server: RecordingServer
let gateway: TestGatehouse
let client: RawClient
let alice: string
let bob: string

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: {
      docs: {
        upstream: server.url,
        credential: { header: 'X-Api-Key', value: '${env:DOCS_KEY}' },
      },
    },
    rules: [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/echo'] }],
    env: { DOCS_KEY: API_KEY },
  })
  client = createRawClient(gateway.url('docs'), await gateway.token('docs'))
  alice = await gateway.token('docs', { subject: 'alice' })
  bob = await gateway.token('docs', { subject: 'bob' })
  // The catalogue learns the names, so that no look-up of the gateway's own is among what is counted.
  assert.equal((await client.send({})).reply.status, 200)
})

after(() => stopAll(server, gateway))

// Where a body is never wanted as a call, what it holds must not be taken for one.
const HIDING: readonly {
  readonly name: string
  readonly sent: () => Sent
  readonly status: number
}[] = [
  { name: 'without a token', sent: () => ({ bearer: 'none' }), status: 401 },
  { name: 'with a bad token', sent: () => ({ bearer: 'bad' }), status: 401 },
  { name: 'to an unknown path', sent: () => ({ target: '/nowhere' }), status: 404 },
  {
    name: 'of another media type',
    sent: () => ({ more: [['Content-Encoding', 'br']] }),
    status: 415,
  },
  { name: 'of another method', sent: () => ({ method: 'PUT' }), status: 405 },
  { name: 'of a GET', sent: () => ({ method: 'GET' }), status: 405 },
  { name: 'of a DELETE', sent: () => ({ method: 'DELETE' }), status: 200 },
  { name: 'of a preflight', sent: () => ({ method: 'OPTIONS', bearer: 'none' }), status: 204 },
  { name: 'of a metadata request', sent: () => ({ method: 'GET', target: METADATA }), status: 200 },
  { name: 'that is no JSON', sent: () => ({}), status: 400 },
]

for (const { name, sent, status } of HIDING) {
  for (const framing of ['a length', 'chunks']) {
    test(`a request hidden in a body ${name} (${framing}) is not served, and the next one is`, async () => {
      const calls = server.calls('tools/call').length
      const request = sent()
      const body = client.text({ body: HIDDEN })
      const framed: Sent =
        framing === 'chunks'
          ? {
              ...request,
              more: [...(request.more ?? []), ['Transfer-Encoding', 'chunked']],
              body: chunked(body),
            }
          : { ...request, body }
      const both = client.text(framed) + client.text({})
      const { replies } = await exchangeRaw(gateway.origin, both, { replies: 2 })
      assert.deepEqual(statusesOf(replies), [status, 200])
      const made = server.calls('tools/call').slice(calls)
      assert.deepEqual(
        made.map(({ body }) => body.toString()),
        [OK],
      )
    })
  }
}

test('trailers and chunk extensions change nothing and go nowhere', async () => {
  const size = OK.length.toString(16)
  const trailers = 'Authorization: Bearer other\r\nHost: evil.example\r\nMcp-Session-Id: x\r\n'
  const { reply, replies } = await client.send({
    more: [
      ['Transfer-Encoding', 'chunked'],
      ['Trailer', 'Authorization'],
    ],
    body: `${size};a="b\\"c"\r\n${OK}\r\n0\r\n${trailers}\r\n`,
  })
  assert.equal(reply.status, 200)
  assert.equal(replies.length, 1)
  assert.equal(lastSeen().headers['mcp-session-id'], undefined)
  assert.equal(lastSeen().headers['trailer'], undefined)
})

const HOP_BY_HOP: readonly Header[] = [
  ['TE', 'trailers'],
  ['Keep-Alive', 'timeout=600'],
  ['Proxy-Authorization', 'Basic eDp5'],
  ['Proxy-Connection', 'keep-alive'],
  ['Cookie', 'session=1'],
  ['Via', '1.1 evil'],
  ['X-Forwarded-User', 'root'],
  ['x_forwarded_user', 'root'],
  ['X-Forwarded-For', '1.2.3.4'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Real-IP', '1.2.3.4'],
  ['Forwarded', 'for=1.2.3.4;host=evil.example'],
  ['x_api_key', 'other'],
  ['mcp_session_id', 'other'],
  ['X-Original-URL', '/admin'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Authorization_', 'Bearer other'],
  ['Upgrade-Insecure-Requests', '1'],
  ['__proto__', 'polluted'],
  ['Baggage', 'k=v'],
]

test('N-09, N-10, N-11 the server sees an allowlist of headers and the credential it was given', async () => {
  const connection: Header = ['Connection', 'close, x-api-key, content-type, authorization']
  const { reply } = await client.send({ more: [...HOP_BY_HOP, connection] })
  assert.equal(reply.status, 200, reply.text)
  const { headers, rawHeaders } = lastSeen()
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  assert.deepEqual(names.toSorted(), [
    'accept',
    'baggage',
    'connection',
    'content-length',
    'content-type',
    'host',
    'x-api-key',
  ])
  assert.equal(headers['x-api-key'], API_KEY)
  assert.equal(headers['baggage'], 'k=v')
  assert.equal(headers.host, new URL(server.origin).host)
  assert.equal(headers.connection, 'keep-alive')
})

test('N-14 an upgrade with a token is a plain request: no 101, and the server is not asked to upgrade', async () => {
  for (const protocol of ['websocket', 'h2c']) {
    const { replies } = await client.send(upgradeTo(protocol))
    assert.deepEqual(statusesOf(replies), [405])
    assert.equal(lastSeen().headers['upgrade'], undefined)
  }
})

test('N-12 an untrusted X-Forwarded-For does not reach the audit log', async () => {
  await client.send({ more: [['X-Forwarded-For', '203.0.113.7']] })
  await client.send({ more: [['X-Forwarded-For', '203.0.113.7']], bearer: 'none' })
  const addresses = await eventually(async () => {
    const records = await gateway.audit()
    assert.equal(records.at(-1)?.['reason'], 'unauthenticated')
    return new Set(records.map(({ address }) => address))
  })
  addresses.delete(undefined)
  assert.deepEqual([...addresses], ['127.0.0.1'])
})

test('N-13 a client that waits for 100 with a bad token gets 401 and no 100', async () => {
  const connection = await openRaw(gateway.origin)
  const waits: Header[] = [
    ['Expect', '100-continue'],
    ['Content-Length', '1048576'],
  ]
  connection.write(client.text({ bearer: 'bad', more: waits, body: '' }))
  assert.equal((await connection.read()).status, 401)
  assert.equal(await connection.closes(5_000), true)
  assert.equal(connection.rest, '')
})

test('a client that waits for 100 with a good token gets it, then its answer', async () => {
  const connection = await openRaw(gateway.origin)
  const waits: Header[] = [
    ['Expect', '100-Continue'],
    ['Content-Length', String(OK.length)],
  ]
  connection.write(client.text({ more: waits, body: '' }))
  assert.equal((await connection.read()).status, 100)
  connection.write(OK)
  assert.equal((await connection.read()).status, 200)
  connection.end()
})

test('N-17 users who share a connection are each judged and recorded as themselves', async () => {
  const connection = await openRaw(gateway.origin)
  const subjects = ['alice', 'bob', 'bob', 'alice', 'bob']
  for (const subject of subjects) {
    connection.write(client.text({ bearer: subject === 'alice' ? alice : bob }))
    assert.equal((await connection.read()).status, 200)
  }
  connection.end()
  await eventually(async () => {
    const decisions = (await gateway.audit()).filter(({ type }) => type === 'decision')
    const recorded = decisions.map(({ caller }) => (caller as { subject?: string })?.subject)
    assert.deepEqual(
      recorded.filter((subject) => subject === 'alice' || subject === 'bob'),
      subjects,
    )
  })
})

test('N-18 of two pipelined requests the first is 401 and the second is served, in this order', async () => {
  const both = client.text({ bearer: 'bad' }) + client.text({ bearer: bob })
  const { replies } = await exchangeRaw(gateway.origin, both, { replies: 2 })
  assert.deepEqual(statusesOf(replies), [401, 200])
})

test('a hundred pipelined requests are answered in order, each once', async () => {
  const bodies = Array.from({ length: 100 }, (_, id) => JSON.stringify(callTool('echo', {}, id)))
  const all = bodies.map((body) => client.text({ body })).join('')
  const { replies } = await exchangeRaw(gateway.origin, all, { replies: bodies.length })
  const ids = replies.map((reply) => (JSON.parse(reply.text) as { id: number }).id)
  assert.deepEqual(ids, [...bodies.keys()])
})

test('what is pipelined behind a request that closed the connection is not served', async () => {
  const closing: readonly Sent[] = [
    { more: [['Connection', 'close']] },
    { more: [['Host', 'other']] },
    { version: 'HTTP/1.0', more: [['Connection', 'keep-alive']] },
    { more: [['Transfer-Encoding', 'gzip, chunked']], body: chunked(OK) },
  ]
  for (const sent of closing) {
    const both = client.text(sent) + client.text({ body: HIDDEN })
    const { replies } = await exchangeRaw(gateway.origin, both, { closed: true })
    assert.equal(replies.length, 1)
  }
  assert.equal((await client.send({})).reply.status, 200)
  assert.deepEqual(
    server.seen.filter(({ body }) => body.toString() === HIDDEN),
    [],
  )
})

test('what is no request behind one that runs does not let its answer pass for another', async () => {
  const both = `${client.text({})}GARBAGE\r\n\r\n`
  const { replies, closed } = await exchangeRaw(gateway.origin, both, { closed: true })
  assert.equal(closed, true)
  assert.ok(replies.length <= 1)
})

test('after all of it the gateway runs without a fault', async () => {
  assert.equal((await client.send({})).reply.status, 200)
  assert.doesNotMatch(gateway.child.output(), /fault|"level":"error"/)
})

function statusesOf(replies: readonly RawReply[]): readonly number[] {
  return replies.map(({ status }) => status)
}

function lastSeen(): Seen {
  const seen = server.seen.at(-1)
  assert.ok(seen)
  return seen
}
