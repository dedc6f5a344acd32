/**
 * Servers that are down, slow, broken or talk something else than HTTP: the caller gets the documented
 * error in time, the next call works, and metrics and audit say what it was. `truncation.e2e.ts` cuts
 * answers at every byte.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import { freePort } from '../../testkit/free-port.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RawAnswer, RawServer } from '../../testkit/raw-server.ts'
import { httpAnswer, startRawServer } from '../../testkit/raw-server.ts'
import type { ReadAnswer } from '../../testkit/read-answer.ts'
import { messagesIn, readAnswer } from '../../testkit/read-answer.ts'
import { callTool } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** Time-outs of `hasty`, whose server does not answer. What is broken has the usual ones, which are long. */
const HEADERS_MS = 400
const IDLE_MS = 700
const TOTAL_MS = 1_500

/** How late they may be: deadlines of whole answers are looked at once a second, and the machine may be busy. */
const LATE_MS = 15_000

const RESULT = { jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: 'fine' }] } }
const NOTE = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } }
const EVENTS = { 'content-type': 'text/event-stream' }
const EVENT_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const JSON_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n'

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const eventOf = (message: unknown): string => `data: ${JSON.stringify(message)}\n\n`

let server: RawServer
let gateway: TestGatehouse

/** Nobody listens there, except where a test does. */
let downPort: number

/** What the server does, by the name of the tool that is called. */
const DOES: Readonly<Record<string, (socket: Socket) => void>> = {
  fine: (socket) => socket.write(httpAnswer(JSON.stringify(RESULT))),
  'fine-events': (socket) => socket.write(httpAnswer(eventOf(RESULT), { headers: EVENTS })),
  hang: () => undefined,
  'hang-in-json': (socket) => socket.write(`${JSON_HEAD}{"jsonrpc"`),
  'hang-in-events': (socket) => socket.write(EVENT_HEAD + chunk(eventOf(NOTE))),
  'drip-json': (socket) => drip(socket, JSON_HEAD, ' '),
  'drip-head': (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n'),
  'reset-at-once': (socket) => socket.resetAndDestroy(),
  'close-at-once': (socket) => socket.end(),
  'reset-in-json': (socket) => writeThenReset(socket, `${JSON_HEAD}{"jsonrpc"`),
  'reset-in-events': (socket) => writeThenReset(socket, EVENT_HEAD + chunk(eventOf(NOTE))),
  'no-http': (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
  'no-text': (socket) =>
    socket.write(Buffer.from(Array.from({ length: 4_096 }, (_, at) => at % 256))),
  'http-2': (socket) => socket.write(Buffer.from('000012040000000000000300000064', 'hex')),
  'bad-status': (socket) => socket.write('HTTP/1.1 OK\r\n\r\n'),
  'bad-header': (socket) => socket.write('HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}'),
  'two-lengths': (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'),
  'bad-chunks': (socket) => socket.write(`${EVENT_HEAD}zz\r\n{}\r\n`),
  'huge-head': (socket) => socket.write(`HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(70_000)}\r\n\r\n`),
  'only-interim': (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
  switches: (socket) =>
    socket.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nfree'),
}

const act: RawAnswer = (socket, { json }) => DOES[String(json?.params?.['name'])]?.(socket)

/** One piece more every 100 ms, so that the connection is never idle. */
function drip(socket: Socket, first: string, piece: string): void {
  socket.write(first)
  const feed = setInterval(() => socket.write(piece), 100)
  socket.on('close', () => clearInterval(feed))
}

/** A reset throws away what was not read yet, so it waits until the bytes are on their way. */
function writeThenReset(socket: Socket, bytes: string): void {
  socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 300))
}

before(async () => {
  server = await startRawServer(act)
  downPort = await freePort()
  const upstream = {
    url: server.url,
    headers_timeout: `${HEADERS_MS}ms`,
    idle_timeout: `${IDLE_MS}ms`,
    total_timeout: `${TOTAL_MS}ms`,
  }
  const down = `http://127.0.0.1:${downPort}/mcp`
  gateway = await startGatehouse({
    servers: {
      docs: { upstream: server.url, unlisted: 'allow' },
      hasty: { upstream, unlisted: 'allow' },
      down: { upstream: down, unlisted: 'allow' },
      'down-http': { upstream: down, unlisted: 'allow', refusals: 'http' },
    },
    rules: [allowAll('docs'), allowAll('hasty'), allowAll('down'), allowAll('down-http')],
  })
})

after(() => stopAll(gateway, server))

type Timed = ReadAnswer & { readonly tookMs: number }

async function call(tool: string, name = 'docs'): Promise<Timed> {
  const started = performance.now()
  const answer = await readAnswer(gateway.url(name), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await gateway.token(name)}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(callTool(tool, {}, 7)),
  })
  return { ...answer, tookMs: performance.now() - started }
}

type Row = {
  readonly tool: string
  readonly refusal: 'upstream_unavailable' | 'upstream_timeout'
  /** Not before this, in milliseconds; what is broken is told at once. */
  readonly afterMs?: number
  /** The answer had begun: the caller gets what came, then the error, then the cut. */
  readonly begun?: true
}

const ROWS: readonly Row[] = [
  { tool: 'hang', refusal: 'upstream_timeout', afterMs: HEADERS_MS },
  { tool: 'hang-in-json', refusal: 'upstream_timeout', afterMs: IDLE_MS },
  { tool: 'hang-in-events', refusal: 'upstream_timeout', afterMs: IDLE_MS, begun: true },
  { tool: 'drip-json', refusal: 'upstream_timeout', afterMs: TOTAL_MS },
  { tool: 'drip-head', refusal: 'upstream_timeout', afterMs: HEADERS_MS },
  { tool: 'only-interim', refusal: 'upstream_unavailable' },
  { tool: 'reset-in-events', refusal: 'upstream_unavailable', begun: true },
  { tool: 'bad-chunks', refusal: 'upstream_unavailable', begun: true },
  ...[
    'reset-at-once',
    'close-at-once',
    'reset-in-json',
    'no-http',
    'no-text',
    'http-2',
    'bad-status',
    'bad-header',
    'two-lengths',
    'huge-head',
    'switches',
  ].map((tool) => ({ tool, refusal: 'upstream_unavailable' }) as const),
]

const MESSAGES = {
  upstream_unavailable: 'The server is not available',
  upstream_timeout: 'The server did not answer in time',
}

async function assertServed(name = 'docs'): Promise<void> {
  for (const tool of ['fine', 'fine-events']) {
    const { status, text, end } = await call(tool, name)
    assert.deepEqual([status, end], [200, 'clean'], text)
    assert.match(text, /"fine"/)
  }
}

/** One response with the id of the call, in whatever form the answer has. */
function errorIn({ text, headers }: Timed): { readonly code: number; readonly message?: string } {
  const isEvents = headers.get('content-type') === 'text/event-stream'
  const messages = isEvents ? messagesIn(text) : [JSON.parse(text)]
  const [response, ...more] = messages.filter(({ id }) => id === 7)
  assert.equal(more.length, 0)
  return response.error
}

// Most of what they do is wait for a time-out.
describe('a server that', { concurrency: true }, () => {
  for (const { tool, refusal, afterMs = 0, begun } of ROWS) {
    test(`${tool}: the caller gets ${refusal} in time, once, and the next calls work`, async () => {
      const answer = await call(tool, refusal === 'upstream_timeout' ? 'hasty' : 'docs')
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.end, begun ? 'broken' : 'clean')
      const { code, message } = errorIn(answer)
      assert.equal(code, 1003)
      if (!begun) assert.equal(message, MESSAGES[refusal])
      assert.ok(answer.tookMs >= afterMs, `after ${answer.tookMs} ms`)
      assert.ok(answer.tookMs < afterMs + LATE_MS, `after ${answer.tookMs} ms`)
      // A call may have happened: it is never made again.
      assert.equal(server.calls(tool).length, 1)
      await assertServed()
    })
  }
})

test('of a stream that breaks off everything that came before is passed on', async () => {
  const { text } = await call('reset-in-events')
  assert.deepEqual(messagesIn(text)[0], NOTE)
})

test('nobody listens: the caller is told at once, by HTTP status where the operator wants that', async () => {
  for (const [name, status] of [
    ['down', 200],
    ['down-http', 502],
  ] as const) {
    const answer = await call('any', name)
    assert.deepEqual([answer.status, answer.end], [status, 'clean'])
    assert.equal(errorIn(answer).code, 1003)
    assert.ok(answer.tookMs < LATE_MS)
  }
  await assertServed()
})

test('a server that goes and comes back is served again at once', async () => {
  for (let round = 0; round < 2; round++) {
    const up = await startRawServer(act, downPort)
    await assertServed('down')
    await up.stop()
    assert.equal(errorIn(await call('fine', 'down')).code, 1003)
  }
})

test('every failure is in the audit log with what it was, and in the metrics', async () => {
  const outcomes = await eventually(async () => {
    const records = await gateway.audit()
    const found = records.filter(
      ({ type, server }) => type === 'outcome' && /^(?:docs|hasty)$/.test(String(server)),
    )
    // The last call of the tests above.
    assert.ok(found.length >= server.seen.length, `${found.length} of ${server.seen.length}`)
    return found
  })
  const toolOf = ({ targets }: Readonly<Record<string, unknown>>): string =>
    (targets as readonly [{ readonly name: string }])[0].name
  for (const { tool, refusal } of ROWS) {
    const [outcome] = outcomes.filter((record) => toolOf(record) === tool)
    assert.ok(outcome !== undefined, tool)
    assert.deepEqual(
      [tool, outcome['outcome'], outcome['refusal'], outcome['attempts']],
      [tool, 'upstream_failed', refusal, 1],
    )
    assert.ok(refusal === 'upstream_timeout' || outcome['detail'] !== undefined, tool)
  }
  const text = await gateway.metrics()
  for (const [name, code] of [
    ['docs', 'upstream_unavailable'],
    ['hasty', 'upstream_timeout'],
  ] as const) {
    const own = outcomes.filter(({ server: at }) => at === name)
    const refused = own.filter(({ refusal }) => refusal === code).length
    assert.ok(
      text.includes(`gatehouse_refusals_total{server="${name}",code="${code}"} ${refused}\n`),
      code,
    )
    const failed = own.filter(({ outcome }) => outcome === 'upstream_failed').length
    const requests = `gatehouse_requests_total\\{server="${name}",.*"upstream_failed".*\\} (\\d+)`
    assert.equal(Number(new RegExp(requests).exec(text)?.[1]), failed)
  }
})

test('nothing is left hanging: no stream, no connection, no fault in the log', async () => {
  await eventually(async () => {
    const text = await gateway.metrics()
    assert.doesNotMatch(text, /^gatehouse_streams_open\{.*\} [1-9]/m)
  })
  // Connections that failed are closed; those that worked are kept.
  await eventually(() => assert.ok(server.sockets.size <= ROWS.length, `${server.sockets.size}`))
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})
