/** Arguments in the audit log, what is kept out of it, and a webhook that is slow, failing, and right. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const HOOK_TOKEN = randomBytes(24).toString('base64url')
const CANARY = `canary-${randomBytes(12).toString('hex')}`
const TOOLS = ['right', 'slow', 'failing', 'gone', 'purge', 'secret', 'long']

type Notice = Readonly<Record<string, unknown>> & { readonly rule?: string }

/** What the webhook was told, by the path it was told at. */
const told: { path: string; authorization: string | undefined; notice: Notice }[] = []
const hook = createServer((request, response) => void listen(request, response))

let server: RecordingServer
let gateway: TestGatehouse

async function listen(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const path = request.url ?? ''
  const notice = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Notice
  told.push({ path, authorization: request.headers.authorization, notice })
  if (path === '/slow') return
  response.writeHead(path === '/failing' ? 400 : 204).end()
}

before(async () => {
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`
  server = await startRecordingServer((seen, response) => {
    if (seen.json?.method !== 'tools/list') return false
    const tools = TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } }))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: seen.json.id, result: { tools } }))
    return true
  })
  const subjects = [{ any: true }]
  const telling = ['right', 'slow', 'failing'].map((name) => ({
    id: `tell-${name}`,
    effect: 'allow',
    subjects,
    tools: [`docs/${name}`],
    obligations: [{ notify: name }],
  }))
  const recording = {
    id: 'record',
    effect: 'allow',
    subjects,
    tools: ['docs/secret', 'docs/long'],
    obligations: [
      { audit: 'arguments' },
      { redact: ['password', 'users.key'] },
      { notify: 'right' },
    ],
  }
  const never = {
    id: 'never-purge',
    effect: 'deny',
    subjects,
    tools: ['docs/purge'],
    obligations: [{ notify: 'right' }],
  }
  gateway = await startGatehouse({
    servers: { docs: server.url },
    rules: [...telling, recording, never],
    config: ({ directory }) => ({
      state: { driver: 'sqlite', file: join(directory, 'state.sqlite') },
      notifications: {
        right: { url: `${origin}/right`, headers: { authorization: 'Bearer ${env:HOOK_TOKEN}' } },
        slow: { url: `${origin}/slow`, timeout: '100ms' },
        failing: { url: `${origin}/failing` },
      },
    }),
    env: { HOOK_TOKEN },
  })
})

after(() => stopAll(gateway, server, hook))

/** Calls a tool, and says how long that took. */
async function call(tool: string, args: Readonly<Record<string, unknown>> = {}) {
  const token = await gateway.token('docs', { subject: 'anna' })
  const sessionId = await openSession(gateway.url('docs'), token)
  const headers = { 'mcp-session-id': sessionId }
  const began = performance.now()
  const reply = await post(gateway.url('docs'), callTool(tool, args), { token, headers })
  assert.equal(reply.status, 200)
  return { said: reply.json?.error?.message ?? 'served', ms: performance.now() - began }
}

async function decisionOf(rule: string): Promise<Readonly<Record<string, unknown>>> {
  let found: Readonly<Record<string, unknown>> = {}
  await eventually(async () => {
    const records = await gateway.audit()
    found = records.findLast((one) => one['type'] === 'decision' && one['rule'] === rule) ?? {}
    assert.equal(found['rule'], rule)
  })
  return found
}

function noticesAt(path: string): readonly Notice[] {
  return told.filter((one) => one.path === path).map(({ notice }) => notice)
}

test('a webhook is told of an allowed and of a denied call, in the words of the record', async () => {
  assert.equal((await call('right')).said, 'served')
  assert.equal((await call('purge')).said, 'Unknown tool: purge')
  await eventually(() => assert.equal(noticesAt('/right').length, 2))
  const decision = await decisionOf('tell-right')
  const notice = noticesAt('/right').find(({ rule }) => rule === 'tell-right')
  for (const key of ['id', 'server', 'method', 'targets', 'effect', 'config']) {
    assert.deepEqual(notice?.[key], decision[key], key)
  }
  const denied = noticesAt('/right').find(({ rule }) => rule === 'never-purge')
  assert.deepEqual([denied?.['effect'], denied?.['reason']], ['deny', 'deny_rule'])
  assert.equal(told[0]?.authorization, `Bearer ${HOOK_TOKEN}`)
})

test('a webhook that never answers holds up no call, is tried again, and fails none', async () => {
  for (let calls = 0; calls < 3; calls += 1) {
    const { said, ms } = await call('slow')
    assert.equal(said, 'served')
    assert.ok(ms < 10_000, `${ms} ms`)
  }
  await eventually(() => assert.ok(noticesAt('/slow').length > 3))
})

test('what a webhook refuses is dropped, with a metric and one warning', async () => {
  for (let calls = 0; calls < 3; calls += 1) assert.equal((await call('failing')).said, 'served')
  const dropped = /gatehouse_notifications_total\{name="failing",result="dropped"\} 3/
  await eventually(async () => assert.match(await gateway.metrics(), dropped))
  const delivered = /gatehouse_notifications_total\{name="right",result="delivered"\} 2/
  await eventually(async () => assert.match(await gateway.metrics(), delivered))
  await eventually(async () => {
    const records = await gateway.audit()
    const warnings = records.filter(({ what }) => what === 'notifications_dropped')
    assert.deepEqual(
      warnings.map(({ detail }) => detail),
      ['failing: it answered with status 400'],
    )
  })
  assert.equal(noticesAt('/failing').length, 3)
})

test('arguments are recorded without what is redacted, which reaches the server and no file', async () => {
  const args = { password: CANARY, users: [{ key: CANARY, name: 'ben' }], path: '/a' }
  assert.equal((await call('secret', args)).said, 'served')
  const { arguments: recorded } = await decisionOf('record')
  assert.deepEqual(JSON.parse(String(recorded)), {
    password: '[redacted]',
    users: [{ key: '[redacted]', name: 'ben' }],
    path: '/a',
  })
  assert.ok(JSON.stringify(server.seen).includes(CANARY))
  await call('long', { password: CANARY, text: 'x'.repeat(5_000) })
  await eventually(async () => {
    const { arguments: cut } = await decisionOf('record')
    assert.match(String(cut), /…\(\d+ chars, sha256 [\w-]{43}\)$/)
  })
  assert.ok(!JSON.stringify(told).includes(CANARY))
  const files = await readdir(gateway.directory)
  assert.ok(files.includes('audit.jsonl') && files.includes('state.sqlite'), files.join())
  for (const file of files) {
    const content = await readFile(join(gateway.directory, file))
    assert.ok(!content.includes(CANARY), file)
    assert.ok(!content.includes(HOOK_TOKEN), file)
  }
  assert.ok(!gateway.child.output().includes(CANARY))
})
