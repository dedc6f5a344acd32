/** Limits through a real gateway: what a stock client sees, and that the server sees nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post, request } from '../testkit/rpc.ts'
import { connectV1 } from '../testkit/sdk-client.ts'
import { stopAll } from '../testkit/stop-all.ts'

let server: RecordingServer
let gateway: TestGatehouse

before(async () => {
  server = await startRecordingServer()
  const upstream = server.url
  gateway = await startGatehouse({
    servers: {
      docs: { upstream, limits: { caller: { rate: '1/h', burst: 3 }, costs: { read_file: 2 } } },
      plain: { upstream, refusals: 'http', limits: { everybody: { rate: '1/h', burst: 1 } } },
      free: { upstream },
    },
    rules: [
      { id: 'all', effect: 'allow', subjects: [{ any: true }], tools: ['*/echo', '*/read_file'] },
    ],
    config: { limits: { initialize: { rate: '1/h', burst: 2 } } },
  })
})

after(() => stopAll(gateway, server))

const calls = (): number => server.seen.filter(({ json }) => json?.method === 'tools/call').length

test('a stock client reads that it is over its limit, and goes on elsewhere', async () => {
  const client = await connectV1(gateway.url('docs'), await gateway.token('docs'))
  await client.callTool({ name: 'echo', arguments: {} })
  const before = calls()
  await assert.rejects(client.callTool({ name: 'read_file', arguments: {} }), (error: Error) => {
    const { code, data } = error as Error & { code: number; data: { retryAfterSeconds: number } }
    assert.equal(code, 1002)
    assert.ok(data.retryAfterSeconds > 60)
    return true
  })
  assert.equal(calls(), before)
  await client.close()
  await eventually(async () => {
    const records = await gateway.audit()
    const over = records.find(({ type, reason }) => type === 'outcome' && reason === 'over_budget')
    assert.deepEqual([over?.['effect'], over?.['detail']], ['deny', 'limit server_caller'])
  })
})

test('calls that policy refuses cost nothing, and another caller has a budget of its own', async () => {
  const token = await gateway.token('docs', { subject: 'somebody' })
  const url = gateway.url('docs')
  for (let at = 0; at < 5; at += 1) {
    const { json } = await post(url, callTool('delete_all'), { token })
    assert.equal(json?.error?.code, -32602)
  }
  for (let at = 0; at < 3; at += 1) {
    const { json } = await post(url, callTool('echo'), { token })
    assert.notEqual(json?.result, undefined)
  }
  const { status, json, headers } = await post(url, callTool('echo'), { token })
  assert.deepEqual([status, json?.error?.code], [200, 1002])
  assert.match(headers.get('retry-after') ?? '', /^\d+$/)
})

test('where the operator wants HTTP, it is 429; and what was spent survives a reload', async () => {
  const token = await gateway.token('plain')
  const url = gateway.url('plain')
  await post(url, request('tools/list'), { token })
  assert.equal((await post(url, callTool('echo'), { token })).status, 429)
  const { json } = await gateway.admin('POST', '/admin/reload')
  assert.equal(json['ok'], true)
  const other = await gateway.token('plain', { subject: 'somebody' })
  assert.equal((await post(url, callTool('echo'), { token: other })).status, 429)
})

test('sessions are limited for each caller, and calls on other servers are not', async () => {
  const token = await gateway.token('free', { subject: 'eager' })
  const url = gateway.url('free')
  for (let at = 0; at < 2; at += 1) await openSession(url, token)
  await assert.rejects(openSession(url, token), /200 .*1002/)
  for (let at = 0; at < 20; at += 1) {
    assert.notEqual((await post(url, callTool('echo'), { token })).json?.result, undefined)
  }
})
