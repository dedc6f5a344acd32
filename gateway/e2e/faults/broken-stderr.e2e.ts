/** Whoever reads the log may go away: the gateway serves on, and stops when it is told to. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { type DocsGateway, startDocsGateway } from '../../testkit/docs-gateway.ts'
import { eventually } from '../../testkit/eventually.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/** A gateway that does nothing uses a few hundredths of this; one that spins uses all of it. */
const WATCHED_MS = 1_000

let docs: DocsGateway

before(async () => {
  docs = await startDocsGateway()
})

after(() => stopAll(docs))

async function assertServed(): Promise<void> {
  const reply = await docs.send()
  assert.equal(reply.status, 200, reply.text)
}

/** Processor time of the gateway so far. */
async function cpuMs(): Promise<number> {
  const text = await docs.gateway.metrics()
  return 1_000 * Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1])
}

test('a gateway whose log nobody reads any more reloads, serves, and does not spin', async () => {
  await assertServed()
  docs.gateway.child.deafen()
  const reloads = async (): Promise<number> =>
    (await docs.gateway.audit()).filter(({ event }) => event === 'reload').length
  const before = await reloads()
  for (let lines = 1; lines <= 3; lines++) {
    docs.gateway.child.signal('SIGHUP')
    await eventually(async () => assert.equal(await reloads(), before + lines))
  }
  await assertServed()
  const from = await cpuMs()
  await pause(WATCHED_MS)
  const spent = (await cpuMs()) - from
  assert.ok(spent < WATCHED_MS / 4, `${spent} ms`)
  await assertServed()
})

test('and it still stops in good order', async () => {
  docs.gateway.child.signal('SIGTERM')
  assert.equal(await docs.gateway.child.exited, 0)
  assert.match(await readFile(docs.gateway.auditFile, 'utf8'), /"event":"stopping"/)
})
