/** Two gateways on one database: what is revoked at one ends at the other, and what a lost database means. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'

import { NODE, ROOT, startChild } from '../../testkit/child.ts'
import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, ISSUER, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import type { Reply } from '../../testkit/rpc.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import type { SharedDatabase } from '../../testkit/shared-database.ts'
import { SHARED_DATABASES } from '../../testkit/shared-database.ts'
import { stopAll } from '../../testkit/stop-all.ts'

/**
 * Milliseconds until a revocation is in force at the other process, for a call and on an open stream: one second
 * and five, and what a busy machine takes.
 */
const CALLS_MS = 5_000
const STREAMS_MS = 15_000

for (const [name, open] of Object.entries(SHARED_DATABASES)) {
  describe(`two gateways on one ${name}`, () => testShared(name, open))
}

function testShared(name: string, open: () => Promise<SharedDatabase>): void {
  let shared: SharedDatabase
  let server: RecordingServer
  let one: TestGatehouse
  let two: TestGatehouse
  /** Revoked by the first test. */
  let token = ''

  const start = (more: Readonly<Record<string, unknown>> = {}): Promise<TestGatehouse> =>
    startGatehouse({
      servers: { docs: { upstream: server.url, unlisted: 'allow', audiences: ['docs'] } },
      rules: [allowAll('docs')],
      config: { state: shared.state, ...more },
      env: shared.env,
    })

  before(async () => {
    server = await startRecordingServer(endless)
    shared = await open()
    one = await start()
    const jwks = { keys: [one.signer.jwk] }
    two = await start({ issuers: [{ issuer: ISSUER, jwks, kind: 'agent' }] })
  })

  after(() => stopAll(one, two, server, shared))

  const tokenFor = (subject: string): Promise<string> =>
    one.token('docs', { audience: 'docs', subject })
  const callWith = (token: string, at = two): Promise<Reply> =>
    post(at.url('docs'), callTool('echo'), { token })
  const revoke = (subject: string): ReturnType<TestGatehouse['admin']> =>
    one.admin('POST', '/admin/revocations', {
      body: { kind: 'subject', issuer: ISSUER, value: subject },
    })

  test(`${name}: a revocation at one gateway ends calls and streams at the other in time`, async () => {
    token = await tokenFor('mallory')
    assert.equal((await callWith(token)).status, 200)
    const stream = await fetch(two.url('docs'), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify(callTool('endless')),
    })
    assert.equal(stream.status, 200)
    const ended = stream.text().catch(() => 'cut')
    const from = performance.now()
    assert.equal((await revoke('mallory')).status, 201)
    await until(async () => (await callWith(token)).status === 401)
    assert.ok(performance.now() - from < CALLS_MS, `calls: ${performance.now() - from} ms`)
    await ended
    assert.ok(performance.now() - from < STREAMS_MS, `streams: ${performance.now() - from} ms`)
    assert.equal((await callWith(await tokenFor('alice'))).status, 200)
  })

  test(`${name}: while the database is away calls go on and revocations say that they were not made`, async () => {
    const [alice, eve] = [await tokenFor('alice'), await tokenFor('eve')]
    await shared.kill()
    assert.equal((await callWith(alice)).status, 200)
    assert.equal((await callWith(token)).status, 401)
    assert.equal((await revoke('eve')).status, 503)
    assert.equal((await two.ready()).status, 200)
    await shared.start()
    const from = performance.now()
    await until(async () => (await revoke('eve')).status === 201)
    await until(async () => (await callWith(eve)).status === 401)
    assert.ok(performance.now() - from < STREAMS_MS)
    assert.match(
      await one.metrics(),
      /gatehouse_store_operations_total\{[^}]*result="(away|failed)"\} \d/,
    )
    for (const { child } of [one, two]) assert.ok(!child.output().includes(shared.password))
  })

  test(`${name}: a gateway does not start without its database`, async () => {
    await shared.kill()
    const main = `${ROOT}/gateway/cli/main.ts`
    const child = startChild({
      command: NODE,
      args: [main, 'serve', '-c', one.configFile],
      env: {
        ...shared.env,
        GATEHOUSE_ADMIN_TOKEN: randomBytes(32).toString('base64url'),
      },
    })
    assert.notEqual(await child.exited, 0)
    assert.match(child.output(), new RegExp(`at 127\\.0\\.0\\.1:${shared.port} cannot be used`))
    await shared.start()
  })
}

/** `endless` streams until its reader is gone. */
function endless({ json }: Seen, response: ServerResponse): boolean {
  if (json?.params?.['name'] !== 'endless') return false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const feed = setInterval(() => response.write(': still here\n\n'), 50)
  response.on('close', () => clearInterval(feed))
  return true
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  await eventually(async () => assert.ok(await condition()))
}
