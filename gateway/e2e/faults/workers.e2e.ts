/**
 * A worker killed under load: every call that its server saw is on record, clients lose at most what the
 * worker was answering, and the others never stop. And when the supervisor is gone nothing is left behind.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { auditFiles, auditLines, workersOf } from '../../testkit/crew.ts'
import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import { openRaw } from '../../testkit/raw-http.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { runCli } from '../../testkit/run-cli.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const WORKERS = 2
const CALLERS = 10

/**
 * A connection that was being handed to the worker when it died is never answered (`docs/scaling.md`): its caller
 * gives up after so many milliseconds.
 */
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
      // What `fetch` throws when the connection breaks, or nobody answers.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error
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
