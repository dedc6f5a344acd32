/** What a client's hanging up means to the server: an end in the modern era, nothing in the legacy ones. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, modern } from '../testkit/rpc.ts'

/** What the tool takes at the server, in milliseconds. */
const SLOW_MS = 1_000

let server: RecordingServer
let gateway: TestGatehouse
let token: string
/** How each call ended for the server, and after how long. */
let ends: { readonly end: 'finished' | 'aborted'; readonly afterMs: number }[] = []

before(async () => {
  server = await startRecordingServer(slowly)
  gateway = await startGatehouse({ servers: { docs: server.url }, rules: [allowAll('docs')] })
  token = await gateway.token('docs')
})

after(async () => {
  await gateway.stop()
  await server.stop()
})

function slowly({ json }: Seen, response: ServerResponse): boolean {
  if (json?.method !== 'tools/call') return false
  const started = performance.now()
  response.on('close', () =>
    ends.push({
      end: response.writableFinished ? 'finished' : 'aborted',
      afterMs: performance.now() - started,
    }),
  )
  setTimeout(() => {
    const result = { resultType: 'complete', content: [] }
    if (!response.destroyed) sendJson(response, { jsonrpc: '2.0', id: json.id, result })
  }, SLOW_MS)
  return true
}

/** Calls and hangs up once the server has the call; resolves when it is over for the server. */
async function callAndHangUp(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<(typeof ends)[number] | undefined> {
  ends = []
  const calls = server.calls('tools/call').length
  const hangUp = new AbortController()
  const answer = fetch(gateway.url('docs'), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
    signal: hangUp.signal,
  })
  await eventually(() => assert.equal(server.calls('tools/call').length, calls + 1))
  hangUp.abort()
  await assert.rejects(answer)
  await eventually(() => assert.equal(ends.length, 1))
  return ends[0]
}

test('in the modern era a client that hangs up cancels its call, at once', async () => {
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: {} })
  const over = await callAndHangUp(body, headers)
  assert.equal(over?.end, 'aborted')
  assert.ok(over.afterMs < SLOW_MS)
})

test('in the legacy eras a client that hangs up cancels nothing', async () => {
  assert.equal((await callAndHangUp(callTool('echo')))?.end, 'finished')
})
