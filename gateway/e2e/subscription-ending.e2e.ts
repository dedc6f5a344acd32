/** A modern subscription ends with its result when the gateway ends it, and broken when the server does. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse, TokenOptions } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { ReadAnswer } from '../testkit/read-answer.ts'
import { messagesIn, readAnswer } from '../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { modern } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

let server: RecordingServer
let gateway: TestGatehouse
let streams: ServerResponse[] = []

before(async () => {
  server = await startRecordingServer(keepListening)
  gateway = await startGatehouse({ servers: { docs: server.url }, rules: [allowAll('docs')] })
})

after(async () => {
  for (const stream of streams) stream.destroy()
  await stopAll(gateway, server)
})

function keepListening({ json }: Seen, response: ServerResponse): boolean {
  if (json?.method !== 'subscriptions/listen') return false
  const meta = { 'io.modelcontextprotocol/subscriptionId': json.id }
  const params = { _meta: meta, notifications: { toolsListChanged: true } }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: ACKNOWLEDGED, params })}\n\n`)
  streams.push(response)
  return true
}

/** Listens; the answer is there once it has ended. */
async function listen(options: TokenOptions = {}): Promise<{ readonly over: Promise<ReadAnswer> }> {
  const { body, headers } = modern(
    'subscriptions/listen',
    { notifications: { toolsListChanged: true } },
    4,
  )
  const open = streams.length
  const over = readAnswer(gateway.url('docs'), {
    method: 'POST',
    headers: {
      ...headers,
      authorization: `Bearer ${await gateway.token('docs', options)}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
  })
  await eventually(() => assert.equal(streams.length, open + 1))
  return { over }
}

function assertPolite({ text, end }: ReadAnswer): void {
  assert.equal(end, 'clean', text)
  const last = messagesIn(text).at(-1)
  assert.equal(last?.id, 4)
  assert.deepEqual(last.result, {
    resultType: 'complete',
    _meta: { 'io.modelcontextprotocol/subscriptionId': 4 },
  })
}

test('a revoked caller is told that its subscription is complete, within five seconds', async () => {
  const { over } = await listen({ subject: 'mallory' })
  const { status } = await gateway.admin('POST', '/admin/revocations', {
    body: { kind: 'subject', value: 'mallory', issuer: 'https://issuer.test' },
  })
  assert.ok(status < 300, String(status))
  const started = performance.now()
  assertPolite(await over)
  // Three times as long, for a busy machine.
  assert.ok(performance.now() - started < 15_000)
})

test('a server that breaks off is no polite end', async () => {
  streams = []
  const { over } = await listen()
  streams[0]?.destroy()
  const { text, end } = await over
  assert.equal(end, 'broken')
  assert.equal(messagesIn(text).at(-1)?.error?.code, 1003)
})

test('a gateway that stops says that subscriptions are complete', async () => {
  const { over } = await listen()
  await gateway.stop()
  assertPolite(await over)
})
