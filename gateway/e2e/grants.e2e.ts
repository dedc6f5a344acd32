/** Rules that hold with a grant: until its time, its last use, the end of its task, or an operator ends it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import { NODE, ROOT } from '../testkit/child.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }

before(async () => {
  server = await startRecordingServer(answer)
  gateway = await startGatehouse({
    servers: { db: server.url },
    rules: [
      { ...ANYBODY, id: 'read', tools: ['db/query'] },
      { ...ANYBODY, id: 'migrate', tools: ['db/execute'], grant: { ttl: '2h', max_uses: 500 } },
    ],
  })
})

after(() => stopAll(gateway, server))

/** Lists two tools; `execute` with `forever`, and a GET, are answered with a stream until its reader is gone. */
function answer({ json, method }: Seen, response: ServerResponse): boolean {
  if (json?.method === 'tools/list') {
    const tools = ['query', 'execute'].map((name) => ({ name, inputSchema: { type: 'object' } }))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: json.id, result: { tools } }))
    return true
  }
  const args = json?.params?.['arguments'] as { readonly forever?: boolean } | undefined
  if (args?.forever !== true && method !== 'GET') return false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const feed = setInterval(() => response.write(': still here\n\n'), 50)
  response.on('close', () => clearInterval(feed))
  return true
}

/** Runs `gatehouse grant` against the ops port; resolves with its exit code and what it printed. */
async function grant(...args: readonly string[]) {
  const child = spawn(NODE, [join(ROOT, 'gateway/cli/main.ts'), 'grant', ...args], {
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

const create = (subject: string, ...more: readonly string[]) =>
  grant('create', '--rule', 'migrate', '--issuer', ISSUER, '--subject', subject, ...more)

async function toolsOf(token: string): Promise<readonly string[]> {
  const { json } = await post(gateway.url('db'), request('tools/list'), { token })
  const tools = (json?.result?.['tools'] ?? []) as readonly { readonly name: string }[]
  return tools.map(({ name }) => name)
}

async function execute(token: string): Promise<string> {
  const { json } = await post(gateway.url('db'), callTool('execute'), { token })
  return json?.error === undefined ? 'done' : `${json.error.code} ${json.error.message}`
}

const UNKNOWN = '-32602 Unknown tool: execute'

test('a tool that needs a grant is unknown without one, and there with one, for its holder alone', async () => {
  const [ann, bob] = [
    await gateway.token('db', { subject: 'ann' }),
    await gateway.token('db', { subject: 'bob' }),
  ]
  assert.deepEqual(await toolsOf(ann), ['query'])
  assert.equal(await execute(ann), UNKNOWN)
  const made = await create('ann', '--uses', '2', '--reason', 'ticket 7')
  assert.equal(made.code, 0, made.text)
  assert.match(made.text, /^granted: [0-9a-f]{24} {2}migrate for "ann" .* for 2 uses .*ticket 7/)
  assert.deepEqual(await toolsOf(ann), ['query', 'execute'])
  assert.deepEqual(await toolsOf(bob), ['query'])
  assert.equal(await execute(bob), UNKNOWN)
  const calls = await Promise.all(Array.from({ length: 6 }, () => execute(ann)))
  assert.equal(calls.filter((outcome) => outcome === 'done').length, 2)
  assert.deepEqual(await toolsOf(ann), ['query'])
  assert.match((await grant('list')).text, /\(used up\)/)
  const uses = (await gateway.audit()).filter((entry) => entry['under_grant'] !== undefined)
  assert.equal(uses.filter(({ type }) => type === 'decision').length >= 2, true)
})

test('a grant that ends takes the running call and the list with it, and says so on open streams', async () => {
  const token = await gateway.token('db', { subject: 'carl' })
  const session = await openSession(gateway.url('db'), token)
  const listening = await fetch(gateway.url('db'), {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-session-id': session,
    },
  })
  assert.equal(listening.status, 200)
  const heard = hear(listening)
  assert.equal((await create('carl', '--task', 'MIG-142')).code, 0)
  await heard.until(1)
  assert.deepEqual(await toolsOf(token), ['query', 'execute'])
  const running = await fetch(gateway.url('db'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify(callTool('execute', { forever: true })),
  })
  assert.equal(running.status, 200)
  const ended = await grant('end', '--task', 'MIG-142')
  assert.match(ended.text, /^ended: [0-9a-f]{24}$/m)
  await running.text().catch(() => 'cut')
  await heard.until(2)
  assert.deepEqual(await toolsOf(token), ['query'])
  heard.stop()
})

test('a grant ends by its time', async () => {
  const token = await gateway.token('db', { subject: 'dora' })
  const body = { rule: 'migrate', issuer: ISSUER, subject: 'dora', ttlSeconds: 2 }
  assert.equal((await gateway.admin('POST', '/admin/grants', { body })).status, 201)
  assert.equal(await execute(token), 'done')
  await eventually(async () => assert.equal(await execute(token), UNKNOWN))
})

test('what cannot be granted is refused in words', async () => {
  const wide = await create('eve', '--ttl', '3h')
  assert.equal(wide.code, 1)
  assert.match(wide.text, /the rule lets a grant live 7200 seconds at most/)
  const unknown = await grant('create', '--rule', 'read', '--issuer', ISSUER, '--subject', 'eve')
  assert.match(unknown.text, /holds only with a grant; those that do: migrate/)
  assert.equal((await grant('end', '000000000000000000000000')).code, 1)
})

/** Counts the `list_changed` of an open stream. */
function hear(response: Response) {
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
    }
  }
  void read().catch(() => undefined)
  const count = (): number => text.split('notifications/tools/list_changed').length - 1
  return {
    until: (wanted: number) =>
      eventually(() => assert.ok(count() >= wanted, `heard ${count()} of ${wanted}`)),
    stop: () => void reader.cancel().catch(() => undefined),
  }
}
