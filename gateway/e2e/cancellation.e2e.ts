/** What a client's hanging up means to the server: an end in the modern era, nothing in the legacy ones. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, modern, MODERN } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

/** What the tool takes at the server, in milliseconds: in the modern era longer than anybody waits. */
const SLOW_MS = { modern: 60_000, legacy: 300 }

let server: RecordingServer
let gateway: TestGatehouse
let token: string
/** How each call ended for the server. */
let ends: ('finished' | 'aborted')[] = []

before(async () => {
  server = await startRecordingServer(slowly)
  gateway = await startGatehouse({ servers: { docs: server.url }, rules: [allowAll('docs')] })
  token = await gateway.token('docs')
})

after(() => stopAll(gateway, server))

function slowly({ json, headers }: Seen, response: ServerResponse): boolean {
  if (json?.method !== 'tools/call') return false
  const result = { resultType: 'complete', content: [] }
  const answer = setTimeout(
    () => sendJson(response, { jsonrpc: '2.0', id: json.id, result }),
    SLOW_MS[headers['mcp-protocol-version'] === MODERN ? 'modern' : 'legacy'],
  )
  response.on('close', () => {
    clearTimeout(answer)
    ends.push(response.writableFinished ? 'finished' : 'aborted')
  })
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
  assert.equal(await callAndHangUp(body, headers), 'aborted')
})

test('in the legacy eras a client that hangs up cancels nothing', async () => {
  assert.equal(await callAndHangUp(callTool('echo')), 'finished')
})
