/**
 * Calls that wait for a connection to a server hold their bodies, also when their clients have left:
 * what waits is bounded, whoever it was.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../../testkit/eventually.ts'
import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'
import { MAX_WAITING_BYTES } from '../../upstream/waiting.ts'

const CONNECTIONS = 2
const BODY_BYTES = 3_500_000

/** More than may wait. */
const DEPARTED = Math.ceil(MAX_WAITING_BYTES / BODY_BYTES) + 5

let server: RecordingServer
let gateway: TestGatehouse
let token: string

/** Calls the server has not answered. */
const hanging: { readonly id: unknown; readonly response: ServerResponse }[] = []

before(async () => {
  server = await startRecordingServer(({ json }, response) => {
    if (json?.params?.['name'] !== 'hang') return false
    hanging.push({ id: json.id, response })
    return true
  })
  gateway = await startGatehouse({
    servers: {
      docs: { upstream: { url: server.url, max_connections: CONNECTIONS }, unlisted: 'allow' },
    },
    rules: [allowAll('docs')],
  })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

/** Asks, and hangs up once the call has been decided. */
async function askAndLeave(calls: number): Promise<void> {
  const leave = new AbortController()
  const pieces = Array.from({ length: 5 }, (_, at) => [`k${at}`, 'y'.repeat(BODY_BYTES / 5)])
  const asked = fetch(gateway.url('docs'), {
    method: 'POST',
    signal: leave.signal,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(callTool('departed', Object.fromEntries(pieces))),
  })
  asked.catch(() => undefined)
  await eventually(async () => {
    const decided = (await gateway.audit()).filter(
      ({ type, targets }) => type === 'decision' && JSON.stringify(targets).includes('departed'),
    )
    assert.equal(decided.length, calls)
  })
  leave.abort()
}

test('calls that wait behind a busy server are refused above a bound, and served once it is free', async () => {
  const ask = () => post(gateway.url('docs'), callTool('hang'), { token })
  const busy = Array.from({ length: CONNECTIONS }, ask)
  await eventually(() => assert.equal(hanging.length, CONNECTIONS))
  for (let calls = 1; calls <= DEPARTED; calls++) await askAndLeave(calls)

  const started = performance.now()
  const refused = await post(gateway.url('docs'), callTool('echo'), { token })
  assert.equal(refused.json?.error?.code, 1003, refused.text)
  assert.ok(performance.now() - started < 10_000)
  const waited = (await gateway.audit()).filter(({ detail }) => /calls wait/.test(String(detail)))
  assert.ok(waited.length > 0)

  for (const { id, response } of hanging) sendJson(response, { jsonrpc: '2.0', id, result: {} })
  for (const reply of await Promise.all(busy)) assert.equal(reply.status, 200)
  await eventually(async () => {
    const served = await post(gateway.url('docs'), callTool('echo'), { token })
    assert.notEqual(served.json?.result, undefined, served.text)
  })
  assert.equal(server.calls('tools/call').length, CONNECTIONS + 1, 'what has left goes nowhere')
})
