/**
 * In strict audit mode a call goes up only once its decision is on disk: whatever moment the process
 * is killed at, every call the server saw has its record. Each call names a tool of its own, because
 * records hold neither arguments nor ids of the caller's.
 */
import assert from 'node:assert/strict'
import { readFile, truncate } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import { reportProof } from '../../testkit/proof.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { runCli } from '../../testkit/run-cli.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** `GATEHOUSE_KILL_ROUNDS=20` for the full figure. */
const ROUNDS = Number(process.env['GATEHOUSE_KILL_ROUNDS'] ?? '5')
const CALLERS = 30

/** A round is killed after this many calls, so that it proves something, and a random while. */
const CALLS = 2 * CALLERS
const RANDOM_MS = 350

/** Calls that the server had seen of killed gateways. */
let killed = 0

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [{ id: 'any', effect: 'allow', subjects: [{ any: true }], tools: ['docs/call-*'] }],
    config: { audit: { sink: 'audit.jsonl', mode: 'strict' } },
  })
})

after(async () => {
  reportProof({ what: 'calls before a kill, each on record', cases: killed, seed: undefined })
  await stopAll(gateway, server)
})

/** One caller: calls one tool after the other, each only once, until the gateway is gone. */
async function callUntilKilled(name: string): Promise<void> {
  const token = await gateway.token('docs', { subject: name })
  try {
    for (let at = 0; ; at++) {
      const reply = await post(gateway.url('docs'), callTool(`call-${name}-${at}`), { token })
      assert.equal(reply.status, 200, reply.text)
    }
  } catch (error) {
    // What `fetch` throws when the connection breaks.
    if (!(error instanceof TypeError)) throw error
  }
}

const toolsSeen = (): readonly string[] =>
  server.calls('tools/call').map(({ json }) => String(json?.params?.['name']))

/** Tools of the decisions on record; the last line of a killed process may be half a line. */
async function toolsDecided(): Promise<ReadonlySet<string>> {
  const records = await gateway.audit()
  const decisions = records.filter(({ type, effect }) => type === 'decision' && effect === 'allow')
  return new Set(
    decisions.flatMap(({ targets = [] }) =>
      (targets as readonly { readonly name: string }[]).map(({ name }) => name),
    ),
  )
}

for (let round = 1; round <= ROUNDS; round++) {
  test(`a gateway killed under load has the decision of every call its server saw (kill ${round})`, async () => {
    const before = server.calls('tools/call').length
    const callers = Array.from({ length: CALLERS }, (_, at) => callUntilKilled(`${round}-${at}`))
    try {
      // Counted and not timed: a cold process on a busy machine takes its while.
      await eventually(() => assert.ok(server.calls('tools/call').length > before + CALLS), 15_000)
      await pause(Math.random() * RANDOM_MS)
    } finally {
      gateway.child.signal('SIGKILL')
    }
    await Promise.all(callers)
    // What was on the way when it died still arrives.
    await eventually(() => assert.equal(server.sockets.size, 0))

    const seen = toolsSeen().slice(before)
    killed += seen.length
    await gateway.restart()
    const decided = await toolsDecided()
    assert.deepEqual(
      seen.filter((tool) => !decided.has(tool)),
      [],
    )
  })
}

/** Bytes lost at the end of the log: the newline alone, some of the last record, all but its brace. */
const TEARS: readonly { readonly what: string; readonly bytes: (last: string) => number }[] = [
  { what: 'its newline', bytes: () => 1 },
  { what: 'half of its last record', bytes: (last) => Math.floor(last.length / 2) },
  { what: 'all but the first byte of its last record', bytes: (last) => last.length },
]

for (const { what, bytes } of TEARS) {
  test(`a log that lost ${what} in a crash is taken up again, and is intact`, async () => {
    const token = await gateway.token('docs')
    const call = () => post(gateway.url('docs'), callTool('call-torn'), { token })
    assert.equal((await call()).status, 200)
    gateway.child.signal('SIGKILL')
    await gateway.child.exited
    const text = await readFile(gateway.auditFile, 'utf8')
    const last = text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1)
    await truncate(gateway.auditFile, Buffer.byteLength(text) - bytes(last))
    await gateway.restart()
    assert.equal((await call()).status, 200)
    const { code, out } = await runCli(['audit', 'verify', gateway.auditFile])
    assert.equal(code, 0, out)
    assert.match(out, /^intact\n/)
  })
}

test('the log of all the killed processes is intact', async () => {
  const { code, out } = await runCli(['audit', 'verify', gateway.auditFile])
  assert.equal(code, 0, out)
  assert.match(out, /^intact\n/)
  const instances = new Set((await gateway.audit()).map(({ instance }) => instance))
  assert.equal(instances.size, ROUNDS + TEARS.length + 1)
})
