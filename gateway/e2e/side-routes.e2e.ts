/** Parts of a server that are not MCP, opted in by its operator: what goes up, what comes down, and what never does. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { exchangeRaw } from '../testkit/raw-http.ts'
import { readAnswer } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const SECRET = 'upstream-secret-1234567890'

let server: RecordingServer
let gateway: TestGatehouse
let token: string
let respond: (seen: Seen, response: ServerResponse) => void

before(async () => {
  server = await startRecordingServer((seen, response) => {
    if (seen.target.startsWith('/mcp')) return false
    respond(seen, response)
    return true
  })
  const credential = { header: 'X-Upstream-Key', value: '${env:UPSTREAM_KEY}' }
  const ui = {
    path: '/docs-ui',
    upstream_path: '/ui',
    policy_method: 'web/ui',
    methods: ['GET', 'HEAD', 'PUT'],
    request_headers: ['Accept', 'Content-Type', 'X-Wanted'],
    response_headers: ['Content-Type', 'X-Shown'],
  }
  const health = { path: '/health', policy_method: 'web/health', authentication: 'none' }
  gateway = await startGatehouse({
    servers: {
      docs: { upstream: server.url, credential, routes: [ui] },
      open: { upstream: server.url, routes: [health] },
    },
    rules: [
      {
        id: 'ui',
        effect: 'allow',
        subjects: [{ users: ['agent-1'] }],
        servers: ['docs'],
        methods: ['web/ui'],
      },
      {
        id: 'health',
        effect: 'allow',
        subjects: [{ any: true }],
        servers: ['open'],
        methods: ['web/health'],
      },
    ],
    env: { UPSTREAM_KEY: SECRET },
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

const url = (path: string): string => gateway.origin + path

type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> }

function ask(path: string, init: Init = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, ...init.headers }
  return fetch(url(path), { redirect: 'manual', ...init, headers })
}

function page(_seen: Seen, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html' })
  response.end('<p>page</p>')
}

test('the path below the route goes up byte for byte, with the named headers and the credential alone', async () => {
  respond = (_seen, response) => {
    response.writeHead(200, {
      'content-type': 'text/html',
      'x-shown': 'yes',
      'x-hidden': 'no',
      'set-cookie': 'sid=1',
      'access-control-allow-origin': '*',
    })
    response.end('<p>page</p>')
  }
  const target = '/a~b/(c)?q=%2e%2e&next=http://a//b?c&&d'
  const response = await ask(`/docs-ui${target}`, {
    headers: {
      'x-wanted': 'w',
      'x-other': 'o',
      cookie: 'c=1',
      'x-forwarded-for': '192.0.2.1',
      'x-api-key-2': 'k',
      'x-upstream-key': 'mine',
      'mcp-session-id': 'none',
      te: 'trailers',
    },
  })
  assert.equal(await response.text(), '<p>page</p>')
  const seen = server.seen.at(-1)!
  assert.equal(seen.target, `/ui${target}`)
  assert.deepEqual(
    Object.keys(seen.headers).toSorted((a, b) => a.localeCompare(b)),
    ['accept', 'accept-encoding', 'connection', 'host', 'x-upstream-key', 'x-wanted'],
  )
  assert.equal(seen.headers['x-upstream-key'], SECRET)
  assert.equal(`http://${seen.headers.host}`, server.origin)
  assert.equal(response.headers.get('x-shown'), 'yes')
  assert.equal(response.headers.get('content-type'), 'text/html')
  assert.match(response.headers.get('content-security-policy') ?? '', /^sandbox /)
  for (const name of ['x-hidden', 'set-cookie', 'access-control-allow-origin']) {
    assert.equal(response.headers.get(name), null, name)
  }
})

test('a body goes up whole, and the answer to HEAD has none', async () => {
  respond = page
  const put = await ask('/docs-ui/x', {
    method: 'PUT',
    body: 'a,b',
    headers: { 'content-type': 'text/csv' },
  })
  assert.equal(put.status, 200)
  const seen = server.seen.at(-1)!
  assert.deepEqual(
    [seen.method, seen.body.toString(), seen.headers['content-type']],
    ['PUT', 'a,b', 'text/csv'],
  )
  const head = await ask('/docs-ui', { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
  assert.equal(server.seen.at(-1)?.target, '/ui')
})

test('without a token, permission, a named method or a named path nothing goes up', async () => {
  respond = page
  const before = server.seen.length
  const stranger = await gateway.token('docs', { subject: 'mallory' })
  const elsewhere = await gateway.token('open')
  const none = await fetch(url('/docs-ui'))
  assert.equal(none.status, 401)
  assert.match(none.headers.get('www-authenticate') ?? '', /resource_metadata=/)
  const status = async (path: string, init?: Init): Promise<number> =>
    (await ask(path, init)).status
  assert.equal(await status('/docs-ui', { headers: { authorization: `Bearer ${stranger}` } }), 403)
  assert.equal(await status('/docs-ui', { headers: { authorization: `Bearer ${elsewhere}` } }), 401)
  const posted = await ask('/docs-ui', { method: 'POST', body: '{}' })
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD, PUT'])
  for (const path of ['/docs-uix', '/ui', '/docs', '/', '/DOCS-UI'])
    assert.equal(await status(path), 404, path)
  assert.equal(server.seen.length, before)
})

test('a path that two readers could resolve differently is refused, and a token in a query too', async () => {
  respond = page
  const before = server.seen.length
  const targets = [
    '/docs-ui/../admin',
    '/docs-ui/./x',
    '/docs-ui/..',
    '/docs-ui//x',
    String.raw`/docs-ui/..\admin`,
    '/docs-ui/%2e%2e/admin',
    '/docs-ui/a%2fb',
    '/docs-ui/a;b',
    '/docs-ui/a"b',
    '/docs-ui/<x>',
    '/docs-ui/x?a=1#f',
    '/docs-ui/x?access_token=1',
    '/docs-ui/x?a=1&Access_Token=1',
    `http://127.0.0.1/docs-ui/x`,
  ]
  const { host } = new URL(gateway.origin)
  for (const target of targets) {
    const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`
    const { replies } = await exchangeRaw(gateway.origin, head)
    assert.ok([400, 404].includes(replies[0]?.status ?? 0), target)
  }
  assert.equal(server.seen.length, before)
})

test('redirects, challenges and coded answers of the server are not shown', async () => {
  const answers: readonly (readonly [number, Record<string, string>])[] = [
    [302, { location: 'http://127.0.0.1:1/steal' }],
    [307, { location: '/elsewhere' }],
    [401, { 'www-authenticate': 'Basic' }],
    [403, {}],
    [200, { 'content-encoding': 'gzip' }],
  ]
  for (const [status, headers] of answers) {
    respond = (_seen, response) => void response.writeHead(status, headers).end('secret page')
    const response = await ask('/docs-ui')
    assert.equal(response.status, 502)
    assert.equal(response.headers.get('location'), null)
    assert.doesNotMatch(await response.text(), /secret page/)
  }
  respond = (_seen, response) =>
    void response.writeHead(503, { 'content-type': 'text/plain' }).end('sick')
  const sick = await ask('/docs-ui')
  assert.deepEqual([sick.status, await sick.text()], [503, 'sick'])
})

test('the credential does not come back, in the body or in a header', async () => {
  respond = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'x-shown': `key ${SECRET}` })
    response.write(`a ${SECRET.slice(0, 7)}`)
    setTimeout(() => response.end(`${SECRET.slice(7)} b`), 20)
  }
  const response = await ask('/docs-ui')
  assert.equal(response.headers.get('x-shown'), null)
  assert.equal(await response.text(), 'a [redacted] b')
})

test('a server that breaks off or is not there is never a clean end', async () => {
  for (const headers of [{}, { 'content-length': '100' }]) {
    respond = (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', ...headers })
      response.write('half', () => setTimeout(() => response.destroy(), 20))
    }
    const { end } = await readAnswer(url('/docs-ui'), {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(end, 'broken')
  }
  respond = (_seen, response) => void response.destroy()
  assert.equal((await ask('/docs-ui')).status, 502)
})

test('a client that leaves ends the exchange with the server', async () => {
  let closed = false
  respond = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.write('begin')
    response.on('close', () => (closed = true))
  }
  const leaving = new AbortController()
  const response = await ask('/docs-ui', { signal: leaving.signal })
  await response.body?.getReader().read()
  leaving.abort()
  await eventually(() => Promise.resolve(assert.ok(closed)))
})

test('an answer that flows ends when policy no longer allows it', async () => {
  const rules = { id: 'none', effect: 'allow', subjects: [{ any: true }], servers: ['docs'] }
  const streams: ServerResponse[] = []
  respond = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n', () => void streams.push(response))
  }
  const own = await startGatehouse({
    servers: {
      docs: { upstream: server.url, routes: [{ path: '/feed', policy_method: 'web/f' }] },
    },
    rules: [{ ...rules, methods: ['web/f'] }],
  })
  try {
    const headers = { authorization: `Bearer ${await own.token('docs')}` }
    const over = readAnswer(`${own.origin}/feed`, { headers })
    await eventually(() => assert.equal(streams.length, 1))
    await own.writePolicy([{ ...rules, methods: ['tools/list'] }])
    own.child.signal('SIGHUP')
    const { text, end } = await over
    assert.deepEqual([text, end], ['data: 1\n\n', 'broken'])
  } finally {
    for (const stream of streams) stream.destroy()
    await own.stop()
  }
})

test('a browser is told which methods a route takes', async () => {
  const { origin } = new URL(gateway.origin)
  const headers = { origin, 'access-control-request-method': 'PUT' }
  const { status, headers: told } = await fetch(url('/docs-ui/x'), { method: 'OPTIONS', headers })
  assert.equal(status, 204)
  assert.equal(told.get('access-control-allow-methods'), 'GET, HEAD, PUT, OPTIONS')
})

test('a route without authentication serves whoever policy lets, but not a bad token', async () => {
  respond = page
  assert.equal((await fetch(url('/health'))).status, 200)
  assert.equal(server.seen.at(-1)?.target, '/health')
  const before = server.seen.length
  const bad = await fetch(url('/health'), { headers: { authorization: 'Bearer x.y.z' } })
  assert.equal(bad.status, 401)
  const mcp = await post(gateway.url('open'), callTool('echo'))
  assert.equal(mcp.status, 401)
  assert.equal(server.seen.length, before)
})

test('every visit has its records and is counted', async () => {
  respond = page
  await ask('/docs-ui/recorded?q=1')
  await eventually(async () => {
    const name = url('/docs-ui/recorded')
    const records = (await gateway.audit()).filter(
      ({ targets }) => (targets as readonly { name: string }[] | undefined)?.[0]?.name === name,
    )
    assert.deepEqual(
      records.map(({ type, kind, method, effect, rule, status }) => [
        type,
        kind,
        method,
        effect,
        rule,
        status,
      ]),
      [
        ['decision', 'route', 'web/ui', 'allow', 'ui', undefined],
        ['outcome', 'route', 'web/ui', 'allow', 'ui', 200],
      ],
    )
  })
  assert.match(await gateway.metrics(), /gatehouse_decisions_total\{[^}]*rule="ui"[^}]*\} [1-9]/)
})
