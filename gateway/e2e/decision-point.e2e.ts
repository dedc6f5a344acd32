/** An external decision point as a process of its own: what it says, what it does not, and its absence. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import { type Pdp, startPdp } from '../testkit/pdp.ts'
import type { RecordingServer, Rpc } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const TOKEN = randomBytes(24).toString('base64url')
const FAULTS = ['silence', 'status', 'text', 'word', 'obligation'] as const
const TOOLS = ['read', 'write', 'purge', 'free', ...FAULTS.map((fault) => `fault:${fault}`)]

let directory: string
let permits: string
let pdp: Pdp
let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-pdp-'))
  permits = join(directory, 'permits.json')
  await permit(['anna', 'tools/call', 'read'], ['anna', 'tools/call', 'purge'])
  pdp = await startPdp(permits)
  server = await startRecordingServer((seen, response) => {
    if (seen.json?.method !== 'tools/list') return false
    const tools = TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } }))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: seen.json.id, result: { tools } }))
    return true
  })
  const point = { url: pdp.url, timeout: '10s', token: '${env:PDP_TOKEN}' }
  const rules = ['both', 'hasty', 'over', 'alone'].map((name) => ({
    id: `${name}-tools`,
    effect: 'allow',
    subjects: [{ any: true }],
    tools: [`${name}/read`, `${name}/write`, `${name}/fault:*`],
  }))
  const noPurge = {
    id: 'never-purge',
    effect: 'deny',
    subjects: [{ any: true }],
    tools: ['*/purge'],
  }
  gateway = await startGatehouse({
    servers: {
      both: { upstream: server.url },
      hasty: { upstream: server.url, decision_point: { ...point, timeout: '200ms' } },
      over: {
        upstream: server.url,
        decision_point: { ...point, mode: 'override', arguments: true },
      },
      alone: { upstream: server.url, decision_point: 'none' },
    },
    rules: [...rules, noPurge],
    config: { decision_point: point },
    env: { PDP_TOKEN: TOKEN },
  })
})

after(async () => {
  await stopAll(gateway, server, pdp?.child)
  await rm(directory, { recursive: true, force: true })
})

async function permit(...triples: readonly (readonly string[])[]): Promise<void> {
  await writeFile(permits, JSON.stringify(triples))
}

/** Calls of tools made so far. */
let made = 0

async function call(name: string, tool: string, subject = 'anna'): Promise<string> {
  made += 1
  const token = await gateway.token(name, { subject, groups: ['staff'] })
  const sessionId = await openSession(gateway.url(name), token)
  const headers = { 'mcp-session-id': sessionId }
  const body = callTool(tool, { path: '/a' })
  const reply = await post(gateway.url(name), body, { token, headers })
  assert.equal(reply.status, 200)
  return reply.json?.error?.message ?? 'served'
}

/** What audit wrote about the last call, once all that were made are in the log. */
async function lastDecision() {
  let calls: readonly Readonly<Record<string, unknown>>[] = []
  await eventually(async () => {
    const records = await gateway.audit()
    calls = records.filter(({ type, method }) => type === 'outcome' && method === 'tools/call')
    assert.equal(calls.length, made)
  })
  const { effect, rule, reason, decision_point: said, detail } = calls.at(-1) ?? {}
  return { effect, rule, reason, said, detail }
}

function upCalls(): number {
  return server.seen.filter(
    ({ json }: { readonly json: Rpc | undefined }) => json?.method === 'tools/call',
  ).length
}

test('what the rules allow needs the yes of the decision point too', async () => {
  assert.equal(await call('both', 'read'), 'served')
  const before = upCalls()
  assert.equal(await call('both', 'read', 'ben'), 'Denied by policy')
  assert.equal(await call('both', 'write'), 'Denied by policy')
  assert.equal(upCalls(), before)
  const { detail, ...denied } = await lastDecision()
  const by = { rule: undefined, reason: 'decision_point', said: 'deny' }
  assert.deepEqual(denied, { effect: 'deny', ...by })
  assert.match(String(detail), /^decision point: .*not for anna/)
  const [question] = pdp.asked()
  assert.equal(question?.authorization, `Bearer ${TOKEN}`)
  assert.match(question?.requestId ?? '', /./)
  assert.equal(question?.body.context['arguments'], undefined)
  assert.deepEqual(question?.body.resource, {
    type: 'tool',
    id: 'read',
    properties: { server: 'both' },
  })
})

test('nobody is asked about what the rules deny, about connecting, or where there is no decision point', async () => {
  const before = pdp.asked().length
  assert.equal(await call('both', 'free'), 'Unknown tool: free')
  assert.equal(await call('both', 'purge'), 'Unknown tool: purge')
  assert.equal(await call('alone', 'write'), 'served')
  const token = await gateway.token('both')
  const headers = { 'mcp-session-id': await openSession(gateway.url('both'), token) }
  await post(gateway.url('both'), request('tools/list'), { token, headers })
  assert.equal(pdp.asked().length, before)
  const { said, rule } = await lastDecision()
  assert.deepEqual([said, rule], [undefined, 'alone-tools'])
})

test('an overriding decision point allows what no rule does, but nothing that a rule denies', async () => {
  await permit(['*', 'tools/call', 'free'], ['*', 'tools/call', 'purge'])
  assert.equal(await call('over', 'free'), 'served')
  const { effect, rule, said } = await lastDecision()
  assert.deepEqual([effect, rule, said], ['allow', 'builtin:decision_point', 'allow'])
  assert.equal(await call('over', 'purge'), 'Unknown tool: purge')
  assert.equal(await call('over', 'read'), 'Denied by policy')
  assert.deepEqual(pdp.asked().at(-1)?.body.context['arguments'], { path: '/a' })
  await permit()
  assert.equal(await call('over', 'free'), 'Unknown tool: free')
})

test('whatever is no clear answer in time is a no', async () => {
  const before = upCalls()
  for (const fault of FAULTS) {
    const name = fault === 'silence' ? 'hasty' : 'both'
    assert.equal(await call(name, `fault:${fault}`), 'Denied by policy', fault)
    const { reason, said } = await lastDecision()
    assert.deepEqual([reason, said], ['decision_point_failed', 'error'], fault)
  }
  assert.equal(await call('hasty', 'fault:silence'), 'Denied by policy')
  assert.match(String((await lastDecision()).detail), /did not answer within 200 ms/)
  await pdp.child.stop()
  assert.equal(await call('both', 'read'), 'Denied by policy')
  assert.match(String((await lastDecision()).detail), /cannot be reached/)
  assert.equal(upCalls(), before)
  assert.equal(await call('alone', 'read'), 'served')
  assert.ok(!JSON.stringify(await gateway.audit()).includes(TOKEN))
  assert.match(
    await gateway.metrics(),
    /gatehouse_denials_total\{server="both",reason="decision_point_failed"\} 5/,
  )
})
