/** Several workers on one port are one gateway to everybody: clients, operators, auditors. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import { createVerifier } from '../audit/verify.ts'
import { workersOf } from '../testkit/crew.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import { createRawClient } from '../testkit/raw-client.ts'
import { readAnswer } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const WORKERS = 2
const BURST = 20
const SLOW_MS = 500

/**
 * Milliseconds until a revocation is in force at every worker, for a call and on an open stream: one second and
 * five, and what a busy machine takes.
 */
const CALLS_MS = 5_000
const STREAMS_MS = 15_000

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer(slowOrEndless)
  gateway = await startGatehouse({
    servers: {
      docs: { upstream: server.url, unlisted: 'allow' },
      few: { upstream: server.url, limits: { caller: { rate: '1/h', burst: BURST } } },
    },
    rules: [allowAll('docs'), allowAll('few')],
    config: { workers: WORKERS, audit: { sink: 'stdout' } },
  })
})

after(() => stopAll(gateway, server))

/** `slow` answers after a while, `endless` streams until its reader is gone. */
function slowOrEndless({ json }: Seen, response: ServerResponse): boolean {
  const name = json?.params?.['name']
  if (name === 'slow') {
    setTimeout(() => sendJson(response, { jsonrpc: '2.0', id: json?.id, result: {} }), SLOW_MS)
    return true
  }
  if (name !== 'endless') return false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const feed = setInterval(() => response.write(': still here\n\n'), 50)
  response.on('close', () => clearInterval(feed))
  return true
}

type Sent = { readonly body?: unknown; readonly session?: string }

/** So many requests at once, each on a connection of its own, which the workers take in turns. */
async function sendEach(count: number, at: string, token: string, sent: Sent = {}) {
  const client = createRawClient(gateway.url(at), token)
  const body = JSON.stringify(sent.body ?? callTool('echo'))
  const more = sent.session === undefined ? [] : [['Mcp-Session-Id', sent.session] as const]
  const exchanged = Array.from({ length: count }, () => client.send({ body, more }))
  return (await Promise.all(exchanged)).map(({ reply }) => reply)
}

/** Audit records among what was printed; every line is a whole one, of a log or a record. */
function recordsOf(what: RegExp): readonly string[] {
  const lines = gateway.child.output().split('\n').slice(0, -1)
  for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line)
  return lines.filter((line) => line.includes('"instance"') && what.test(line))
}

const instances = (records: readonly string[]): ReadonlySet<unknown> =>
  new Set(records.map((record) => (JSON.parse(record) as { readonly instance: string }).instance))

const slowCalls = (): number =>
  server.calls('tools/call').filter(({ json }) => json?.params?.['name'] === 'slow').length

const served = (replies: readonly { readonly text: string }[]): number =>
  replies.filter(({ text }) => text.includes('"result"')).length

test('all workers serve the port, and a session that one has opened is served by all', async () => {
  const token = await gateway.token('docs')
  const session = await openSession(gateway.url('docs'), token)
  assert.equal(served(await sendEach(6, 'docs', token, { session })), 6)
  await eventually(() => assert.equal(instances(recordsOf(/"name":"echo"/)).size, WORKERS))
})

test('together the workers let a caller spend what one process would', async () => {
  const token = await gateway.token('few', { subject: 'eager' })
  assert.equal(served(await sendEach(2 * BURST, 'few', token)), BURST)
  const metrics = await gateway.metrics()
  assert.match(metrics, /^gatehouse_shared_limit_alone_total 0$/m)
  assert.match(metrics, /^gatehouse_workers 2$/m)
})

test('a revocation ends calls and streams at every worker in time', async () => {
  const token = await gateway.token('docs', { subject: 'mallory' })
  assert.equal(served(await sendEach(2, 'docs', token)), 2)
  const streams = Array.from({ length: 4 }, () =>
    readAnswer(gateway.url('docs'), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(callTool('endless')),
    }),
  )
  await eventually(async () =>
    assert.match(await gateway.metrics(), /^gatehouse_streams_open\{.*\} 4$/m),
  )
  const from = performance.now()
  const body = { kind: 'subject', issuer: ISSUER, value: 'mallory' }
  assert.equal((await gateway.admin('POST', '/admin/revocations', { body })).status, 201)
  await eventually(async () => {
    const statuses = (await sendEach(4, 'docs', token)).map(({ status }) => status)
    assert.deepEqual(statuses, [401, 401, 401, 401])
  })
  assert.ok(performance.now() - from < CALLS_MS, `calls: ${performance.now() - from} ms`)
  for (const { status } of await Promise.all(streams)) assert.equal(status, 200)
  assert.ok(performance.now() - from < STREAMS_MS, `streams: ${performance.now() - from} ms`)
})

test('a reload reaches every worker before it is answered', async () => {
  const token = await gateway.token('docs')
  await gateway.writePolicy([allowAll('few')])
  const { json } = await gateway.admin('POST', '/admin/reload')
  assert.equal(json['ok'], true)
  assert.equal(served(await sendEach(6, 'docs', token)), 0)
  await gateway.writePolicy([allowAll('docs'), allowAll('few')])
  await gateway.admin('POST', '/admin/reload')
  assert.equal(served(await sendEach(6, 'docs', token)), 6)
})

test('a worker that is killed is replaced, the port stays open, and what was counted stays', async () => {
  const token = await gateway.token('docs')
  const counted = async (): Promise<number> =>
    Number(
      /^gatehouse_requests_total\{server="docs",.*"ok".*\} (\d+)$/m.exec(
        await gateway.metrics(),
      )?.[1],
    )
  const before = await counted()
  const [victim] = await workersOf(gateway)
  process.kill(victim!.pid, 'SIGKILL')
  await gateway.child.waitFor(/a worker has ended and is replaced/)
  assert.equal(served(await sendEach(4, 'docs', token)), 4)
  await gateway.child.waitFor(/a worker is up again/)
  const workers = await workersOf(gateway)
  assert.deepEqual([workers.length, workers[0]?.slot], [WORKERS, victim!.slot])
  assert.notEqual(workers[0]?.pid, victim!.pid)
  assert.equal(served(await sendEach(4, 'docs', token)), 4)
  await eventually(async () => assert.ok((await counted()) >= before + 8, `${before} and 8 more`))
  assert.match(await gateway.metrics(), /^gatehouse_worker_restarts_total 1$/m)
  const { status, json } = await gateway.ready()
  assert.deepEqual([status, json['ready']], [200, true])
})

test('a worker that cannot be started for want of file descriptors is started once there are some', async () => {
  const limit = async (files: string): Promise<void> => {
    await promisify(execFile)('prlimit', ['--pid', String(gateway.child.pid), `--nofile=${files}:`])
  }
  const [victim] = await workersOf(gateway)
  await limit('3')
  process.kill(victim!.pid, 'SIGKILL')
  await gateway.child.waitFor(/"why":"[^"]*EMFILE/)
  await limit('1024')
  await eventually(async () => assert.equal((await workersOf(gateway)).length, WORKERS))
})

test('SIGTERM to all of them, as systemd sends it, cuts no call off', async () => {
  const token = await gateway.token('docs')
  const slow = sendEach(4, 'docs', token, { body: callTool('slow') })
  await eventually(() => assert.equal(slowCalls(), 4))
  const workers = await workersOf(gateway)
  gateway.child.signal('SIGTERM')
  for (const { pid } of workers) process.kill(pid, 'SIGTERM')
  assert.equal(served(await slow), 4)
  assert.equal(await gateway.child.exited, 0)
})

test('the records of all workers share standard output, line by line, and their chains are intact', () => {
  const verifier = createVerifier()
  for (const record of recordsOf(/"type"/)) verifier.line(record, 'output')
  const report = verifier.report()
  assert.deepEqual([report.breaks, report.intact], [[], true])
  // One that was killed may have written nothing yet.
  assert.ok(report.instances.length > WORKERS, 'a worker that replaces one begins a chain')
})
