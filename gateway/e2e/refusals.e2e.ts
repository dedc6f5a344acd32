/**
 * What is refused with an HTTP status, in both eras: notifications, which have no id that an error could answer,
 * and calls at a server with `refusals: http`. The server behind sees nothing of it.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { ISSUER, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { resultFor, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { modern, post, type Reply, request } from '../testkit/rpc.ts'
import { connectAuto, connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ALLOW = { effect: 'allow', subjects: [{ users: ['ann*'] }] }
const TOLD = { reason: 'Not now.', disclose: true }

const RULES = [
  { ...ALLOW, id: 'most', tools: ['*/told', '*/approved', '*/fresh', '*/plain'] },
  { ...ALLOW, id: 'told', effect: 'deny', tools: ['*/told'], ...TOLD },
  { ...ALLOW, id: 'by-path', tools: ['*/by_path'], when: 'args.path.startsWith("/pub/")' },
  {
    ...ALLOW,
    id: 'scoped',
    tools: ['*/scoped'],
    subjects: [{ users: ['ann*'], scopes: ['docs:write'] }],
  },
  { ...ALLOW, id: 'few', tools: ['*/few'], limits: { rate: '1/h', burst: 1 } },
  {
    ...ALLOW,
    id: 'approved',
    effect: 'require',
    tools: ['*/approved'],
    require: { approval: { by: 'group:leads' } },
  },
  {
    ...ALLOW,
    id: 'fresh',
    effect: 'require',
    tools: ['*/fresh'],
    require: { step_up: { max_age: '10m' } },
  },
  {
    id: 'quiet',
    effect: 'deny',
    subjects: [{ users: ['ann-quiet'] }],
    methods: ['notifications/**'],
    ...TOLD,
  },
]

const TOOLS = 'told approved fresh plain by_path scoped few nobody'.split(' ')

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer(({ json }, response) => {
    if (json?.id === undefined) return false
    const tools = TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } }))
    const result = json.method === 'tools/list' ? { tools } : (resultFor(json) ?? {})
    const whole = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...result }
    sendJson(response, { jsonrpc: '2.0', id: json.id, result: whole })
    return true
  })
  const upstream = server.url
  gateway = await startGatehouse({
    servers: { docs: { upstream }, plain: { upstream, refusals: 'http' } },
    rules: RULES,
  })
  const jwks = { keys: [gateway.signer.jwk] }
  await gateway.writeConfig({
    issuers: [{ issuer: ISSUER, jwks, kind: 'agent', interactive: true }],
  })
  assert.equal((await gateway.admin('POST', '/admin/reload')).status, 200)
})

after(() => stopAll(gateway, server))

const ERAS = ['legacy', 'modern'] as const

type Era = (typeof ERAS)[number]

function tokenOf(name: string, subject: string): Promise<string> {
  return gateway.token(name, { subject, client: 'assistant' })
}

async function send(
  era: Era,
  to: { readonly server: string; readonly subject: string },
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<Reply> {
  const { body, headers } =
    era === 'modern' ? modern(method, params) : { body: request(method, params), headers: {} }
  const { id, ...rest } = body as { readonly id: unknown }
  const sent = method.startsWith('notifications/') ? rest : { ...rest, id: `${era} ${String(id)}` }
  const token = await tokenOf(to.server, to.subject)
  return await post(gateway.url(to.server), sent, { token, headers })
}

for (const era of ERAS) {
  const method = 'notifications/cancelled'
  const rows = [
    ['of somebody whom nothing allows', 'stranger', 'Denied by policy'],
    ['that a rule denies', 'ann-quiet', 'Not now.'],
  ] as const
  for (const [what, subject, message] of rows) {
    test(`${era}: a notification ${what} is a 403 with an error that answers no id, and goes nowhere`, async () => {
      for (const name of ['docs', 'plain']) {
        const before = server.seen.length
        const { status, headers, json } = await send(era, { server: name, subject }, method, {
          requestId: 7,
        })
        assert.equal(status, 403)
        assert.equal(headers.get('content-type'), 'application/json')
        assert.deepEqual(json, { jsonrpc: '2.0', error: { code: 1001, message } })
        assert.equal(server.seen.length, before)
      }
      const record = (await gateway.audit()).findLast((one) => one['type'] === 'decision')
      assert.deepEqual([record?.['method'], record?.['effect']], [method, 'deny'])
    })
  }

  test(`${era}: a notification that nothing keeps back goes up and is a 202 without a body`, async () => {
    const to = { server: 'docs', subject: 'ann' }
    const { status, text } = await send(era, to, method, { requestId: 7 })
    assert.deepEqual([status, text], [202, ''])
    assert.equal(server.seen.at(-1)?.json?.method, method)
  })

  test(`${era}: where the operator wants HTTP, each refusal of a call has its status, and the same body`, async () => {
    const subject = `ann of ${era}`
    const call = (name: string, at: string, args: object = {}): Promise<Reply> =>
      send(era, { server: at, subject }, 'tools/call', { name, arguments: args })
    for (const at of ['docs', 'plain']) assert.equal((await call('few', at)).status, 200)
    const before = server.calls('tools/call').length
    const hidden = [200, -32602, 'Unknown tool: nobody'] as const
    const rows: readonly (readonly [string, status: number, code: number, says: string])[] = [
      ['told', 403, 1001, 'Not now.'],
      ['by_path', 403, 1001, 'Denied by policy'],
      ['few', 429, 1002, 'Too many calls in a short time'],
      ['nobody', ...hidden],
    ]
    for (const [name, status, code, message] of rows) {
      const [usual, plain] = [await call(name, 'docs'), await call(name, 'plain')]
      assert.deepEqual([usual.status, plain.status], [200, status], name)
      for (const { json } of [usual, plain]) {
        const { id, error } = json ?? {}
        assert.deepEqual([id, error?.code, error?.message], [`${era} 1`, code, message])
      }
      assert.equal(plain.headers.get('www-authenticate'), null)
    }
    const over = await call('few', 'plain')
    const { retryAfterSeconds } = Object(over.json?.error?.data) as { retryAfterSeconds: number }
    assert.equal(over.headers.get('retry-after'), String(retryAfterSeconds))
    assert.equal(server.calls('tools/call').length, before)
  })

  test(`${era}: where the operator wants HTTP, a call that waits for a person is a 403 with the link`, async () => {
    const before = server.calls('tools/call').length
    const to = { server: 'plain', subject: 'ann' }
    const { status, json } = await send(era, to, 'tools/call', { name: 'approved', arguments: {} })
    assert.deepEqual([status, json?.id, json?.error?.code], [403, `${era} 1`, 1005])
    const { url } = Object(json?.error?.data) as { url: string }
    assert.match(url, new RegExp(`^${gateway.origin}/approve/[\\w-]{22}$`))
    assert.ok(json?.error?.message.includes(url))
    assert.equal(server.calls('tools/call').length, before)
  })

  test(`${era}: what a token lacks is a challenge, whatever the operator wants`, async () => {
    const before = server.calls('tools/call').length
    for (const name of ['docs', 'plain']) {
      const to = { server: name, subject: 'ann' }
      const scoped = await send(era, to, 'tools/call', { name: 'scoped', arguments: {} })
      assert.deepEqual(
        [scoped.status, scoped.json?.id, scoped.json?.error?.code],
        [403, `${era} 1`, 1001],
      )
      assert.match(
        scoped.headers.get('www-authenticate') ?? '',
        /^Bearer error="insufficient_scope", .*scope="docs:write"/,
      )
      const fresh = await send(era, to, 'tools/call', { name: 'fresh', arguments: {} })
      assert.equal(fresh.status, 401)
      assert.match(
        fresh.headers.get('www-authenticate') ?? '',
        /^Bearer error="insufficient_user_authentication", .*max_age="600"/,
      )
      // Nobody may take it for the answer to a message.
      assert.match(fresh.text, /^\{"error":"insufficient_user_authentication"/)
    }
    assert.equal(server.calls('tools/call').length, before)
  })
}

test('a stock client of either era reads the status and the words, and goes on', async () => {
  const token = await tokenOf('plain', 'ann')
  for (const connect of [connectV1, connectAuto]) {
    const client = await connect(gateway.url('plain'), token)
    const call = (name: string) => client.callTool({ name, arguments: {} })
    await assert.rejects(call('told'), /Not now\./)
    await assert.rejects(call('approved'), /\/approve\/[\w-]{22}/)
    assert.notEqual((await call('plain')).isError, true)
    await client.close()
  }
})

test('a stock client is told that its notification was refused', async () => {
  const able = new Client(
    { name: 'test-agent', version: '1' },
    { capabilities: { roots: { listChanged: true } } },
  )
  const client = await connectV1(gateway.url('docs'), await tokenOf('docs', 'ann'), able)
  await gateway.writePolicy([
    ...RULES,
    { ...RULES.at(-1), id: 'quieter', subjects: [{ users: ['ann'] }] },
  ])
  assert.equal((await gateway.admin('POST', '/admin/reload')).status, 200)
  const before = server.seen.length
  await assert.rejects(client.sendRootsListChanged(), /403|Not now\./)
  assert.equal(server.seen.length, before)
  await client.close()
})
