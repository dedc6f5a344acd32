/**
 * Hostile HTTP on real sockets: framing, targets, hosts and origins, with exact answers, and proof that
 * the server behind saw nothing of what was refused. The names (N-01 …) are those of the project's
 * threat model.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import type { Header, RawClient, Sent } from '../../testkit/raw-client.ts'
import { chunked, createRawClient, OK, upgradeTo } from '../../testkit/raw-client.ts'
import { exchangeRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const APP = 'https://app.example'

let server: RecordingServer
let gateway: TestGatehouse
let client: RawClient

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: server.url, other: server.url },
    rules: [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['*/echo'] }],
    config: { allowed_origins: [APP] },
  })
  client = createRawClient(gateway.url('docs'), await gateway.token('docs'))
  // The catalogue learns the names, so that no look-up of the gateway's own is among what is counted.
  assert.equal((await client.send({})).reply.status, 200)
})

after(() => stopAll(server, gateway))

/** A whole good request, to stand where no request may be found. */
const hidden = (): string => client.text({})

type Refused = {
  readonly name: string
  /** Made when the test runs: tokens and ports are known then. */
  readonly sent: () => Sent
  readonly status: number
  readonly closed?: boolean
}

const codings = [
  ['xchunked', 400],
  ['chunked, identity', 400],
  ['identity, chunked', 400],
  ['gzip, chunked', 400],
  ['chunked, chunked', 400],
  ['identity', 400],
  ['chunked;q=1', 400],
  ['"chunked"', 400],
  ['\vchunked', 400],
  ['chunked\u0000', 400],
] as const

const targets = [
  ['http://other/mcp/docs', 400],
  ['https://other/mcp/docs', 400],
  ['/x/../mcp/docs', 400],
  ['/mcp/./docs', 400],
  ['/mcp%2fdocs', 400],
  ['/%6dcp/docs', 400],
  ['/mcp/docs/', 404],
  ['//mcp/docs', 400],
  ['/mcp\\docs', 400],
  ['/MCP/DOCS', 404],
  ['/mcp/docs;x', 400],
  ['/mcp/docs#y', 400],
  ['/mcp/docs%00', 400],
  ['/mcp/docs/.', 400],
  ['/mcp/docs/..', 400],
  ['/mcp/nobody', 404],
  ['/mcp/__proto__', 404],
  ['*', 400],
] as const

const doubled: readonly Header[] = [
  ['Content-Type', 'application/json'],
  ['Authorization', 'Bearer other'],
  ['Host', 'other'],
]

const REFUSED: readonly Refused[] = [
  {
    name: 'N-01 a length and a chunked body',
    sent: () => ({
      more: [
        ['Content-Length', '5'],
        ['Transfer-Encoding', 'chunked'],
      ],
      body: `0\r\n\r\n${hidden()}`,
    }),
    status: 400,
    closed: true,
  },
  {
    name: 'N-01 a chunked body and a length',
    sent: () => ({
      more: [
        ['Transfer-Encoding', 'chunked'],
        ['Content-Length', '5'],
      ],
      body: `0\r\n\r\n${hidden()}`,
    }),
    status: 400,
    closed: true,
  },
  ...['5', String(OK.length)].map((second) => ({
    name: `N-02 two lengths, the second ${second === '5' ? 'another' : 'the same'}`,
    sent: (): Sent => ({
      more: [
        ['Content-Length', String(OK.length)],
        ['Content-Length', second],
      ],
      body: OK + hidden(),
    }),
    status: 400,
    closed: true,
  })),
  ...['+5', '-5', '0x5', '5,5', '5 5', '', '18446744073709551617'].map((length) => ({
    name: `N-02 the length ${JSON.stringify(length)}`,
    sent: (): Sent => ({ more: [['Content-Length', length]], body: `12345${hidden()}` }),
    status: 400,
    closed: true,
  })),
  ...codings.map(([coding, status]) => ({
    name: `N-03 the transfer coding ${JSON.stringify(coding)}`,
    sent: (): Sent => ({
      more: [['Transfer-Encoding', coding]],
      body: chunked(OK) + hidden(),
    }),
    status,
    closed: true,
  })),
  ...['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0'].map((version) => ({
    name: `N-04 ${version}`,
    sent: (): Sent => ({ version, more: [['Connection', 'keep-alive']] }),
    status: 505,
    closed: true,
  })),
  ...['HTTP/1.2', 'http/1.1', 'HTTP/1.11', 'ICY'].map((version) => ({
    name: `N-04 ${version}`,
    sent: (): Sent => ({ version }),
    status: 400,
    closed: true,
  })),
  ...targets.map(([target, status]) => ({
    name: `N-05, N-06 the target ${JSON.stringify(target)}`,
    sent: (): Sent => ({ target }),
    status,
  })),
  {
    name: 'N-05 absolute form of our own authority',
    sent: () => ({ target: `${gateway.origin}/mcp/docs` }),
    status: 400,
  },
  {
    name: 'N-06 a target that is no path',
    sent: () => ({ target: 'mcp/docs' }),
    status: 400,
    closed: true,
  },
  ...doubled.map((header) => ({
    name: `N-07, N-08 a second ${header[0]}`,
    sent: (): Sent => ({ more: [header] }),
    status: 400,
    closed: true,
  })),
  {
    name: 'N-08 a second Mcp-Name, though equal and in another case',
    sent: () => ({
      more: [
        ['Mcp-Name', 'echo'],
        ['mcp-name', 'echo'],
      ],
    }),
    status: 400,
    closed: true,
  },
  { name: 'no Host', sent: () => ({ host: 'none' }), status: 400, closed: true },
  ...['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', 'user@127.0.0.1', ''].map(
    (named) => ({
      name: `a Host that is not ours: ${JSON.stringify(named)}`,
      sent: (): Sent => ({ host: named }),
      status: 421,
    }),
  ),
  ...[
    'https://evil.example',
    'null',
    'http://127.0.0.1',
    `${APP}:444`,
    'https://app.example.evil',
  ].map((origin) => ({
    name: `N-15 the Origin ${origin}`,
    sent: (): Sent => ({ more: [['Origin', origin]] }),
    status: 403,
  })),
  {
    name: 'N-16 a preflight of a foreign Origin',
    sent: () => ({
      method: 'OPTIONS',
      bearer: 'none',
      more: [
        ['Origin', 'https://evil.example'],
        ['Access-Control-Request-Method', 'POST'],
      ],
      body: '',
    }),
    status: 403,
  },
  {
    name: 'N-14 an upgrade to WebSocket without a token',
    sent: () => ({ ...upgradeTo('websocket'), bearer: 'none' }),
    status: 401,
  },
  {
    name: 'N-14 an upgrade to h2c without a token',
    sent: () => ({ ...upgradeTo('h2c'), bearer: 'none' }),
    status: 401,
  },
  {
    name: 'N-19 the user agent of a health check',
    sent: () => ({ bearer: 'none', more: [['User-Agent', 'ELB-HealthChecker/2.0']] }),
    status: 401,
  },
  ...['PUT', 'PATCH', 'TRACE', 'QUERY', 'PROPFIND'].map((method) => ({
    name: `the method ${method}`,
    sent: (): Sent => ({ method }),
    status: 405,
  })),
  ...['post', 'FOO', 'POST\t'].map((method) => ({
    name: `no method at all: ${JSON.stringify(method)}`,
    sent: (): Sent => ({ method }),
    status: 400,
    closed: true,
  })),
  ...[
    ['a space before the colon', 'X-A : b'],
    ['a folded line', 'X-A: b\r\n c'],
    ['a bare line feed', 'X-A: b\nX-B: c'],
    ['a bare carriage return', 'X-A: b\rX-B: c'],
    ['a NUL', 'X-A: b\u0000'],
    ['no name', ': b'],
  ].map(([what, line]) => ({
    name: `a header with ${what}`,
    sent: (): Sent => ({ version: `HTTP/1.1\r\n${line}` }),
    status: 400,
    closed: true,
  })),
]

for (const { name, sent, status, closed } of REFUSED) {
  test(`${name} is refused and the server sees nothing`, async () => {
    const seen = server.seen.length
    const {
      replies,
      reply,
      closed: isClosed,
    } = await client.send(sent(), { closed: closed ?? false })
    assert.equal(reply.status, status, reply.text)
    assert.equal(replies.length, 1, 'one answer')
    assert.equal(isClosed, closed ?? false, 'whether the connection is closed')
    assert.equal(server.seen.length, seen)
  })
}

test('the preface of HTTP/2, and TLS on a plain port, are refused and closed', async () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  const hello = Buffer.from('16030100050100000100', 'hex')
  for (const bytes of [preface, hello]) {
    const { reply, closed } = await exchangeRaw(gateway.origin, bytes, { closed: true })
    assert.equal(reply.status, 400)
    assert.equal(closed, true)
  }
})

test('CONNECT opens no tunnel', async () => {
  const target = new URL(server.origin).host
  const { reply, closed } = await client.send({ method: 'CONNECT', target }, { closed: true })
  assert.notEqual(reply.status, 200)
  assert.equal(closed, true)
})

for (const name of ['localhost', 'LocalHost', '127.0.0.1', '[::1]']) {
  test(`the loopback name ${name} is served`, async () => {
    const { reply } = await client.send({ host: `${name}:${new URL(gateway.origin).port}` })
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers.get('access-control-allow-origin'), undefined)
  })
}

test('N-15 an allowed Origin and our own are served, with exactly that origin allowed', async () => {
  for (const origin of [APP, gateway.origin, `http://localhost:${new URL(gateway.origin).port}`]) {
    const { reply } = await client.send({ more: [['Origin', origin]] })
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers.get('access-control-allow-origin'), origin)
    assert.equal(reply.headers.get('access-control-allow-credentials'), undefined)
    assert.match(reply.headers.get('vary') ?? '', /origin/i)
  }
})

test('N-15 a refusal for an allowed Origin can be read by its page', async () => {
  const { reply } = await client.send({ bearer: 'none', more: [['Origin', APP]] })
  assert.equal(reply.status, 401)
  assert.equal(reply.headers.get('access-control-allow-origin'), APP)
  assert.match(reply.headers.get('access-control-expose-headers') ?? '', /WWW-Authenticate/)
})

test('N-16 a preflight of an allowed Origin is answered by us, and echoes the header names asked for', async () => {
  const seen = server.seen.length
  const { reply } = await client.send({
    method: 'OPTIONS',
    bearer: 'none',
    more: [
      ['Origin', APP],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'authorization, Mcp-Method, mcp-param-x, "evil"\t'],
    ],
    body: '',
  })
  assert.equal(reply.status, 204)
  assert.equal(reply.headers.get('access-control-allow-origin'), APP)
  assert.equal(reply.headers.get('access-control-allow-methods'), 'POST, GET, DELETE, OPTIONS')
  assert.equal(
    reply.headers.get('access-control-allow-headers'),
    'authorization, mcp-method, mcp-param-x',
  )
  assert.equal(server.seen.length, seen)
})

test('no answer names the program, its host or its files', async () => {
  const refusals = [
    await client.send({ bearer: 'bad' }),
    await client.send({ target: '/x/..' }),
    await client.send({}),
  ]
  for (const { reply } of refusals) {
    for (const name of ['server', 'x-powered-by', 'via'])
      assert.equal(reply.headers.has(name), false)
    assert.equal(reply.headers.get('cache-control'), 'no-store')
    assert.doesNotMatch(reply.text, /gatehouse|\.ts|\/work|at .*\(/i)
  }
})

test('after all of it the gateway runs without a fault', async () => {
  assert.equal((await client.send({})).reply.status, 200)
  assert.doesNotMatch(gateway.child.output(), /fault|"level":"error"/)
})
