/** What an operator revokes ends: here at once, at other processes and on open streams in seconds. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { NODE, ROOT } from '../testkit/child.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

/** Milliseconds within which a revocation is in force everywhere: five seconds, and what a busy machine takes. */
const EVERYWHERE_MS = 15_000

let server: RecordingServer
let directory = ''
let one: TestGatehouse
let two: TestGatehouse

before(async () => {
  server = await startRecordingServer(endless)
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-shared-'))
  one = await start()
  two = await start()
})

after(async () => {
  await stopAll(one, two, server)
  await rm(directory, { recursive: true, force: true })
})

/** A gateway on the state file that all of them share. */
async function start(): Promise<TestGatehouse> {
  return await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [allowAll('docs')],
    config: { state: { driver: 'sqlite', file: join(directory, 'state.db') } },
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

async function statusWith(gateway: TestGatehouse, token: string): Promise<number> {
  return (await post(gateway.url('docs'), callTool('echo'), { token })).status
}

/** Runs `gatehouse` against the ops port; resolves with its exit code and what it printed. */
async function gatehouse(gateway: TestGatehouse, ...args: readonly string[]) {
  const child = spawn(NODE, [join(ROOT, 'gateway/cli/main.ts'), ...args], {
    env: { GATEHOUSE_OPS_URL: gateway.ops, GATEHOUSE_ADMIN_TOKEN: gateway.adminToken },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const collect = (chunk: Buffer): void => void (text += chunk.toString('utf8'))
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const [code] = await once(child, 'close')
  return { code: code as number, text }
}

async function until(condition: () => Promise<boolean>): Promise<number> {
  const startedTick = performance.now()
  while (!(await condition())) {
    assert.ok(performance.now() - startedTick < EVERYWHERE_MS, 'not within the time promised')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return performance.now() - startedTick
}

test('a revoked client is refused here at once, elsewhere in seconds, and after a restart', async () => {
  const client = 'lost-laptop'
  const [here, there] = [await one.token('docs', { client }), await two.token('docs', { client })]
  const other = await one.token('docs', { client: 'another' })
  assert.deepEqual([await statusWith(one, here), await statusWith(two, there)], [200, 200])
  const revoked = await gatehouse(one, 'revoke', '--client', client, '--reason', 'stolen')
  assert.deepEqual([revoked.code, /^revoked: [0-9a-f]{24} /.test(revoked.text)], [0, true])
  assert.equal(await statusWith(one, here), 401)
  assert.equal(await statusWith(one, other), 200)
  await until(async () => (await statusWith(two, there)) === 401)

  const three = await start()
  try {
    assert.equal(await statusWith(three, await three.token('docs', { client })), 401)
  } finally {
    await three.stop()
  }

  const [id = ''] = /[0-9a-f]{24}/.exec(revoked.text) ?? []
  assert.equal((await gatehouse(two, 'revoke', '--lift', id)).code, 0)
  assert.equal(await statusWith(two, there), 200)
  await until(async () => (await statusWith(one, here)) === 200)
})

test('a revocation ends a stream that is open elsewhere', async () => {
  const token = await two.token('docs', { client: 'streaming' })
  const response = await fetch(two.url('docs'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify(callTool('endless')),
  })
  assert.equal(response.status, 200)
  assert.equal((await gatehouse(one, 'revoke', '--client', 'streaming')).code, 0)
  const ended = response.text().catch(() => 'cut')
  const late = new Promise((resolve) => setTimeout(resolve, EVERYWHERE_MS, 'still open').unref())
  assert.notEqual(await Promise.race([ended, late]), 'still open')
})

test('a token revoked by its id ends alone', async () => {
  const claims = { jti: 'the-one' }
  const [revoked, other] = [await one.token('docs', { claims }), await one.token('docs')]
  assert.equal(await statusWith(one, revoked), 200)
  const args = ['revoke', '--token', 'the-one', '--issuer', 'https://issuer.test']
  assert.equal((await gatehouse(one, ...args)).code, 0)
  assert.deepEqual([await statusWith(one, revoked), await statusWith(one, other)], [401, 200])
})

test('status and reload answer, and everything asked of the admin API is in the audit log', async () => {
  const status = await gatehouse(one, 'status')
  assert.equal(status.code, 0)
  assert.match(status.text, /^ready +true$/m)
  assert.deepEqual(await gatehouse(one, 'reload'), { code: 0, text: 'reloaded\n' })
  const refused = await fetch(`${one.ops}/admin/status`, {
    headers: { authorization: 'Bearer wrong' },
  })
  assert.equal(refused.status, 401)
  let actions: unknown[] = []
  await until(async () => {
    const admin = (await one.audit()).filter(({ type }) => type === 'admin')
    actions = admin.slice(-3).map(({ action, ok }) => [action, ok])
    return actions.length === 3 && String(actions.at(-1)) === 'authenticate,false'
  })
  assert.deepEqual(actions, [
    ['status', true],
    ['reload', true],
    ['authenticate', false],
  ])
})
