/** SIGTERM loses nothing: calls finish, streams end, records are written, and the process is gone in time. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import { createRawClient } from '../testkit/raw-client.ts'
import { openRaw } from '../testkit/raw-http.ts'
import type { ReadAnswer } from '../testkit/read-answer.ts'
import { messagesIn, readAnswer } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool } from '../testkit/rpc.ts'
import { runCli } from '../testkit/run-cli.ts'
import { stopAll } from '../testkit/stop-all.ts'

const SLOW_CALLS = 50

/** Whoever takes longer to exit waits for something, and would for a minute. */
const EXIT_MS = 15_000
const DRAIN = '60s'

let server: RecordingServer
/** Answers of `slow` calls, which a test gives when it has seen enough. */
let slow: (() => void)[] = []

before(async () => {
  server = await startRecordingServer(slowOrEndless)
})

after(() => stopAll(server))

/** `slow` answers when it is told to, `stuck` never; a GET and `endless` stream until their reader is gone. */
function slowOrEndless({ method, json }: Seen, response: ServerResponse): boolean {
  const name = json?.params?.['name']
  if (name === 'slow') {
    slow.push(() => sendJson(response, { jsonrpc: '2.0', id: json?.id, result: {} }))
  } else if (name === 'endless' || method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const feed = setInterval(() => response.write(': still here\n\n'), 20)
    response.on('close', () => clearInterval(feed))
  }
  return name === 'slow' || name === 'stuck' || name === 'endless' || method === 'GET'
}

type Bench = {
  readonly gateway: TestGatehouse
  readonly token: string
  /** Opens a call whose answer may break off. */
  open(tool: string): Promise<ReadAnswer>
  /** Opens a stream to listen. */
  listen(): Promise<ReadAnswer>
}

/** Runs with a gateway of its own that ends within the test. */
async function withGateway(
  listen: Readonly<Record<string, unknown>>,
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [allowAll('docs')],
    config: ({ port }) => ({ listen: { port, ...listen } }),
  })
  const token = await gateway.token('docs')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const open = (tool: string) => {
    const body = JSON.stringify(callTool(tool, {}, 7))
    return readAnswer(gateway.url('docs'), { method: 'POST', headers, body })
  }
  const listenTo = () =>
    readAnswer(gateway.url('docs'), {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    })
  try {
    await run({ gateway, token, open, listen: listenTo })
  } finally {
    gateway.child.signal('SIGKILL')
    await gateway.stop()
  }
}

/** Resolves once this many more requests have reached the server. */
async function arrived(from: number, count: number): Promise<void> {
  await eventually(() => assert.ok(server.seen.length >= from + count))
}

// Each has a gateway of its own, and most of what they do is wait.
describe('SIGTERM', { concurrency: true }, () => {
  test('lets running calls finish, ends listeners cleanly, is not ready at once, and exits with 0', async () => {
    await withGateway({ drain: DRAIN }, async ({ gateway, token, open, listen }) => {
      const idle = await openRaw(gateway.origin)
      idle.write(createRawClient(gateway.url('docs'), token).text({}))
      assert.equal((await idle.read()).status, 200)
      const calls = Array.from({ length: SLOW_CALLS }, () => open('slow'))
      const listening = listen()
      await eventually(async () => assert.match(await gateway.metrics(), OPEN_STREAM))
      await eventually(() => assert.equal(slow.length, SLOW_CALLS))
      gateway.child.signal('SIGTERM')

      await gateway.child.waitFor(/"stopping"/)
      const { status, json } = await gateway.ready()
      assert.deepEqual([status, json['ready'], json['draining']], [503, false, true])
      assert.equal((await fetch(`${gateway.ops}/livez`)).status, 200)
      await assert.rejects(openRaw(gateway.origin), { code: 'ECONNREFUSED' })
      assert.equal((await listening).end, 'clean')
      assert.equal(await idle.closes(EXIT_MS), true)

      for (const answer of slow) answer()
      for (const { status, text, end } of await Promise.all(calls)) {
        assert.deepEqual([status, end], [200, 'clean'], text)
        assert.match(text, /"result"/)
      }
      const finished = performance.now()
      assert.equal(await gateway.child.exited, 0)
      assert.ok(performance.now() - finished < EXIT_MS)
      await assertRecorded(gateway, SLOW_CALLS + 1)
    })
  })

  test('cuts what has not finished at the configured bound, visibly, and still exits with 0', async () => {
    await withGateway({ drain: '1s' }, async ({ gateway, open }) => {
      const [before, started] = [server.seen.length, performance.now()]
      const [stuck, endless] = [open('stuck'), open('endless')]
      await arrived(before, 2)
      gateway.child.signal('SIGTERM')
      assert.equal((await stuck).end, 'broken')
      const { text, end } = await endless
      // Its caller waits for a response: it gets an error, and no clean end that looks like one.
      assert.equal(end, 'broken')
      assert.equal(messagesIn(text).find(({ id }) => id === 7)?.error?.code, 1003)
      assert.equal(await gateway.child.exited, 0)
      const took = performance.now() - started
      assert.ok(took >= 1_000 && took < 1_000 + 2 * EXIT_MS, `${took} ms`)
      await assertRecorded(gateway, 2)
    })
  })

  test('is not held up by a connection that says nothing', async () => {
    await withGateway({ drain: DRAIN }, async ({ gateway }) => {
      const silent = await openRaw(gateway.origin)
      const started = performance.now()
      gateway.child.signal('SIGTERM')
      assert.equal(await gateway.child.exited, 0)
      silent.end()
      const took = performance.now() - started
      assert.ok(took < EXIT_MS, `exit after ${took} ms`)
    })
  })

  test('that comes twice ends the process at once instead of waiting', async () => {
    await withGateway({ drain: DRAIN }, async ({ gateway, open }) => {
      const before = server.seen.length
      const stuck = open('stuck')
      await arrived(before, 1)
      gateway.child.signal('SIGTERM')
      await gateway.child.waitFor(/"stopping"/)
      gateway.child.signal('SIGTERM')
      await Promise.race([
        gateway.child.exited,
        pause(EXIT_MS, undefined, { ref: false }).then(() => assert.fail('waits')),
      ])
      assert.equal((await stuck).end, 'broken')
    })
  })

  test('of a gateway that does nothing ends it at once, as SIGINT does', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      await withGateway({ drain: DRAIN }, async ({ gateway }) => {
        const started = performance.now()
        gateway.child.signal(signal)
        assert.equal(await gateway.child.exited, 0)
        assert.ok(performance.now() - started < EXIT_MS)
      })
    }
  })
})

const OPEN_STREAM = /^gatehouse_streams_open\{.*kind="get".*\} 1$/m

/** Every call that went up has its decision and its outcome, in a log that ends with the stop. */
async function assertRecorded(gateway: TestGatehouse, calls: number): Promise<void> {
  const records = await gateway.audit()
  const decided = records.filter(
    ({ type, method }) => type === 'decision' && method === 'tools/call',
  )
  assert.equal(decided.length, calls)
  assert.ok(records.some(({ event }) => event === 'stopping'))
  const { code, out } = await runCli(['audit', 'verify', gateway.auditFile])
  assert.equal(code, 0, out)
  assert.doesNotMatch(out, /without an outcome|half a line/)
}
