/**
 * A worker killed under load: every call that its server saw is on record, clients lose at most what the
 * worker was answering or about to, none of them waits in vain, and the others never stop. And when the
 * supervisor is gone nothing is left behind.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { auditFiles, auditLines, workersOf } from '../../testkit/crew.ts'
import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import { openRaw, requestText } from '../../testkit/raw-http.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { runCli } from '../../testkit/run-cli.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const WORKERS = 2
const CALLERS = 10

/** Milliseconds in which every call has an answer or breaks off, also on a busy machine. */
const PATIENCE_MS = 15_000

/** Calls that must have been answered before a worker is killed, and after. */
const CALLS = 3 * CALLERS

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [{ id: 'any', effect: 'allow', subjects: [{ any: true }], tools: ['docs/call-*'] }],
    config: { workers: WORKERS, audit: { sink: 'audit.jsonl', mode: 'strict' } },
  })
})

after(() => stopAll(gateway, server))

const load = { running: true, answered: 0, broken: 0 }

/** One caller: calls one tool after the other, each only once, until the load ends. */
async function keepCalling(name: string): Promise<void> {
  const token = await gateway.token('docs', { subject: name })
  for (let at = 0; load.running; at += 1) {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const body = callTool(`call-${name}-${at}`)
      const reply = await post(gateway.url('docs'), body, { token, signal })
      assert.equal(reply.status, 200, reply.text)
      assert.notEqual(reply.json?.result, undefined, reply.text)
      load.answered += 1
    } catch (error) {
      // What `fetch` throws when the connection breaks; it throws something else when nobody answers in time.
      if (!(error instanceof TypeError)) throw error
      load.broken += 1
    }
  }
}

async function moreAnswers(): Promise<void> {
  const from = load.answered
  await eventually(() => assert.ok(load.answered >= from + CALLS), 20_000)
}

test('a worker killed under load takes with it what it was answering, and no record', async () => {
  const callers = Array.from({ length: CALLERS }, (_, at) => keepCalling(`c${at}`))
  await moreAnswers()
  const [victim] = await workersOf(gateway)
  process.kill(victim!.pid, 'SIGKILL')
  await moreAnswers()
  await gateway.child.waitFor(/a worker is up again/)
  await moreAnswers()
  load.running = false
  await Promise.all(callers)
  assert.ok(load.broken <= CALLERS, `${load.broken} of ${load.answered} calls broke off`)

  const seen = server.calls('tools/call').map(({ json }) => String(json?.params?.['name']))
  const files = auditFiles(gateway, WORKERS)
  const lines = (await Promise.all(files.map(auditLines))).flat()
  const decided = new Set(
    lines.flatMap((line) =>
      line.includes('"type":"decision"') ? [/"name":"(call-[^"]+)"/.exec(line)?.[1]] : [],
    ),
  )
  assert.ok(seen.length > 3 * CALLS)
  assert.deepEqual(
    seen.filter((name) => !decided.has(name)),
    [],
  )
})

test('a connection that was on its way to a worker when that was killed ends', async () => {
  const [victim] = await workersOf(gateway)
  process.kill(victim!.pid, 'SIGSTOP')
  const target = new URL(gateway.url('docs')).pathname
  const ask = requestText({
    target,
    method: 'GET',
    headers: [['Host', new URL(gateway.origin).host]],
  })
  // In turns: one of two goes to the worker that takes none.
  const connections = await Promise.all([openRaw(gateway.origin), openRaw(gateway.origin)])
  for (const connection of connections) connection.write(ask)
  const ends = connections.map((connection) =>
    connection.read(PATIENCE_MS).then(
      ({ status }) => status,
      (error: Error) => error.message,
    ),
  )
  assert.equal(await Promise.race(ends), 401)
  process.kill(victim!.pid, 'SIGKILL')
  const seen = await Promise.all(ends)
  assert.deepEqual(seen.map(String).toSorted(), ['401', 'connection closed, received ""'])
  await eventually(async () => assert.equal((await workersOf(gateway)).length, WORKERS))
})

test('a supervisor that is killed leaves no worker behind, and every chain is intact', async () => {
  const workers = await workersOf(gateway)
  assert.equal(workers.length, WORKERS)
  gateway.child.signal('SIGKILL')
  await gateway.child.exited
  await eventually(() => {
    for (const { pid } of workers) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  }, 10_000)
  const { code, out } = await runCli(['audit', 'verify', ...auditFiles(gateway, WORKERS)])
  assert.equal(code, 0, out)
  await assert.rejects(openRaw(gateway.origin), { code: 'ECONNREFUSED' })
})
