/**
 * What a server says to its own clients stays between it and the gateway: redirects, challenges,
 * cookies, error pages and its credential never reach a caller. The names (C-01 …) are those of the
 * project's threat model.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RawServer } from '../../testkit/raw-server.ts'
import { httpAnswer, startRawServer } from '../../testkit/raw-server.ts'
import type { ReadAnswer } from '../../testkit/read-answer.ts'
import { messagesIn, readAnswer } from '../../testkit/read-answer.ts'
import { callTool, request } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** The server's own credential. */
const SECRET = 'c4n4ry-of-the-docs-server'

/** What a server may send and no client of the gateway may see. */
const FOREIGN_HEADERS = {
  'set-cookie': `session=${SECRET}`,
  'www-authenticate': 'Bearer realm="inside", resource_metadata="http://inside.example/"',
  'proxy-authenticate': 'Basic realm="inside"',
  location: 'http://inside.example/elsewhere',
  server: 'Inside/1.0',
  'x-powered-by': 'Inside',
  'x-debug-authorization': `Bearer ${SECRET}`,
  'access-control-allow-origin': '*',
  link: '<http://inside.example/>; rel=next',
  via: '1.1 inside',
}

/** A page of the server's own, as a framework in debug mode writes it. */
const PAGE = `<html><h1>Traceback</h1> Authorization: Bearer ${SECRET} at inside.example</html>`

const RESULT = { jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: 'fine' }] } }

let server: RawServer
let elsewhere: RawServer
let gateway: TestGatehouse
let token: string

/** The bytes of the next answer, in the pieces they are sent in. */
let pieces: readonly Uint8Array[]

before(async () => {
  server = await startRawServer((socket) => {
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
  })
  elsewhere = await startRawServer((socket) => socket.end(httpAnswer(JSON.stringify(RESULT))))
  gateway = await startGatehouse({
    servers: {
      docs: {
        upstream: server.url,
        unlisted: 'allow',
        credential: { value: 'Bearer ${env:DOCS_TOKEN}' },
      },
    },
    rules: [allowAll('docs')],
    env: { DOCS_TOKEN: SECRET },
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server, elsewhere))

const call = (...bytes: readonly Uint8Array[]): Promise<ReadAnswer> =>
  send(callTool('any', {}, 7), bytes)

async function send(body: unknown, bytes: readonly Uint8Array[]): Promise<ReadAnswer> {
  pieces = bytes
  const answer = await readAnswer(gateway.url('docs'), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
    redirect: 'manual',
  })
  assertNothingForeign(answer)
  return answer
}

function assertNothingForeign({ headers, text }: ReadAnswer): void {
  const all = `${[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n${text}`
  assert.doesNotMatch(all, new RegExp(SECRET))
  assert.doesNotMatch(all, /inside|Traceback/i)
  for (const name of Object.keys(FOREIGN_HEADERS)) assert.equal(headers.get(name), null, name)
}

function assertUnavailable({ status, text, end, headers }: ReadAnswer): void {
  assert.equal(status, 200, text)
  assert.equal(end, 'clean')
  assert.equal(headers.get('content-type'), 'application/json')
  const { id, error } = JSON.parse(text) as { id: unknown; error: { code: number } }
  assert.deepEqual([id, error.code], [7, 1003])
}

for (const status of [300, 301, 302, 303, 304, 307, 308]) {
  test(`C-01 a ${status} is not followed, and the caller learns nothing of it`, async () => {
    const location = elsewhere.url
    const headers = { ...FOREIGN_HEADERS, location, 'content-type': 'text/html' }
    assertUnavailable(await call(httpAnswer(status === 304 ? '' : PAGE, { status, headers })))
    const json = JSON.stringify(RESULT)
    if (status !== 304) {
      assertUnavailable(await call(httpAnswer(json, { status, headers: { location } })))
    }
    assert.equal(elsewhere.seen.length, 0)
  })
}

for (const status of [401, 403, 407]) {
  test(`a ${status} of the server is no ${status} for the caller, whatever its body`, async () => {
    assertUnavailable(await call(httpAnswer(PAGE, { status, headers: FOREIGN_HEADERS })))
    assertUnavailable(await call(httpAnswer(JSON.stringify(RESULT), { status })))
  })
}

for (const status of [500, 502, 503, 504]) {
  test(`C-03 an error page with ${status} is not shown`, async () => {
    const headers = { ...FOREIGN_HEADERS, 'content-type': 'text/html' }
    assertUnavailable(await call(httpAnswer(PAGE, { status, headers })))
  })
}

for (const type of ['text/html', 'text/plain', 'image/svg+xml', `x/${SECRET}`, '']) {
  test(`an answer of type '${type}' is not shown`, async () => {
    assertUnavailable(await call(httpAnswer(PAGE, { headers: { 'content-type': type } })))
    const json = JSON.stringify(RESULT)
    assertUnavailable(await call(httpAnswer(json, { headers: { 'content-type': type } })))
  })
}

test('a list in a form that cannot be filtered is not shown', async () => {
  const tools = ['any', 'other'].map((name) => ({ name, inputSchema: {} }))
  const list = JSON.stringify({ jsonrpc: '2.0', id: 7, result: { tools } })
  for (const status of [200, 201, 203]) {
    for (const type of ['', 'text/plain', 'application/vnd.api+json']) {
      const headers = { 'content-type': type }
      const body = request('tools/list', {}, 7)
      assertUnavailable(await send(body, [httpAnswer(list, { status, headers })]))
    }
  }
})

for (const status of [400, 404, 405, 409, 429]) {
  test(`of an error page with ${status} the caller gets the status`, async () => {
    const headers = { ...FOREIGN_HEADERS, 'content-type': 'text/html', allow: `GET, ${SECRET}` }
    const answer = await call(httpAnswer(PAGE, { status, headers }))
    assert.deepEqual([answer.status, answer.text, answer.end], [status, '', 'clean'])
    if (status === 405) assert.equal(answer.headers.get('allow'), 'GET')
  })
}

test('what a server adds to its receipt of a notification is not shown', async () => {
  const note = { jsonrpc: '2.0', method: 'notifications/initialized' }
  for (const status of [200, 202]) {
    const headers = { 'content-type': 'text/html' }
    const answer = await send(note, [httpAnswer(PAGE, { status, headers })])
    assert.deepEqual([answer.status, answer.text, answer.end], [status, '', 'clean'])
  }
})

test('a good answer loses every header that is not for callers', async () => {
  const answer = await call(httpAnswer(JSON.stringify(RESULT), { headers: FOREIGN_HEADERS }))
  assert.equal(answer.text, JSON.stringify(RESULT))
  const own = ['cache-control', 'connection', 'content-length', 'content-type', 'date']
  assert.deepEqual([...answer.headers.keys()].toSorted(), [...own, 'keep-alive'].toSorted())
})

for (const coding of ['gzip', 'br', 'identity, gzip']) {
  test(`an answer coded as ${coding}, which nobody asked for, is not passed on`, async () => {
    const headers = { 'content-encoding': coding }
    const bytes = gzipSync(JSON.stringify(RESULT))
    assertUnavailable(await call(httpAnswer(bytes, { headers })))
    const events = { ...headers, 'content-type': 'text/event-stream' }
    assertUnavailable(await call(httpAnswer(bytes, { headers: events })))
    // Large enough to flow: it must not begin to.
    const large = gzipSync(Buffer.from(JSON.stringify(RESULT)), { level: 0 })
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => large))
    assertUnavailable(await call(httpAnswer(many, { headers })))
  })
}

test('an answer coded as identity is not coded', async () => {
  const headers = { 'content-encoding': 'identity' }
  const answer = await call(httpAnswer(JSON.stringify(RESULT), { headers }))
  assert.equal(answer.text, JSON.stringify(RESULT))
})

test('C-02 the credential is taken out of a JSON answer, small or streamed', async () => {
  for (const padding of [0, 300_000]) {
    const text = `${'x'.repeat(padding)} you sent Bearer ${SECRET}, yes ${SECRET}${SECRET} `
    const answer = await call(httpAnswer(JSON.stringify({ ...RESULT, result: { text } })))
    assert.equal(answer.end, 'clean')
    const { result } = JSON.parse(answer.text) as { result: { text: string } }
    assert.match(result.text, / you sent Bearer \[redacted\], yes \[redacted\]\[redacted\] $/)
  }
})

test('C-02 the credential is taken out of an event stream, at whatever byte its chunks part', async () => {
  const message = { ...RESULT, result: { text: `you sent ${SECRET}` } }
  const events = `: ${SECRET}\nid: ${SECRET}\ndata: ${JSON.stringify(message)}\n\n`
  const headers = { 'content-type': 'text/event-stream' }
  const bytes = httpAnswer(events, { headers })
  const from = bytes.indexOf('\r\n\r\n') + 4
  const singly = Array.from(bytes.subarray(from), (byte) => Uint8Array.of(byte))
  const answer = await call(bytes.subarray(0, from), ...singly)
  assert.deepEqual(messagesIn(answer.text), [
    { ...RESULT, result: { text: 'you sent [redacted]' } },
  ])
})

test('C-02 the credential is taken out of the few headers that pass', async () => {
  for (const name of ['mcp-session-id', 'retry-after', 'content-type']) {
    const value = name === 'content-type' ? `application/json; echo=${SECRET}` : SECRET
    const answer = await call(httpAnswer(JSON.stringify(RESULT), { headers: { [name]: value } }))
    assert.equal(answer.status, 200)
  }
})

test('C-02 an echoed credential is reported to the operator, without its value', async () => {
  await eventually(() => assert.match(gateway.child.output(), /credential_echoed/))
  assert.doesNotMatch(gateway.child.output(), new RegExp(SECRET))
})

test('what the server said is for the record, and its secret is in no record', async () => {
  const text = JSON.stringify(await gateway.audit()) + (await gateway.metrics())
  assert.match(text, /"detail":"status 302"/)
  assert.doesNotMatch(text, new RegExp(SECRET))
})
