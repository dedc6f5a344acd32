/** A stream that outlives a policy shows what the new one allows, and says that lists have changed. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { openSession, post, request } from '../testkit/rpc.ts'

const LIST = {
  jsonrpc: '2.0',
  id: 'late',
  result: { tools: ['echo', 'delete_all'].map((name) => ({ name, inputSchema: {} })) },
}
const CHANGED = /"method":"notifications\/tools\/list_changed"/g

let server: RecordingServer
let gateway: TestGatehouse
let token: string
let streams: ServerResponse[] = []

before(async () => {
  server = await startRecordingServer(keepStreams)
  gateway = await startGatehouse({ servers: { docs: server.url }, rules: [rule('docs/*')] })
  token = await gateway.token('docs')
})

after(async () => {
  for (const stream of streams) stream.destroy()
  await gateway.stop()
  await server.stop()
})

function rule(tools: string): Readonly<Record<string, unknown>> {
  return { id: 'agents', effect: 'allow', subjects: [{ kind: 'agent' }], tools: [tools] }
}

function keepStreams({ method }: Seen, response: ServerResponse): boolean {
  if (method !== 'GET') return false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': hello\n\n')
  streams.push(response)
  return true
}

/** What a listening stream has brought so far. */
async function listen(): Promise<{ text: string; readonly stop: () => void }> {
  const sessionId = await openSession(gateway.url('docs'), token)
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'text/event-stream',
    'mcp-session-id': sessionId,
  }
  const stop = new AbortController()
  const response = await fetch(gateway.url('docs'), { headers, signal: stop.signal })
  assert.equal(response.headers.get('x-accel-buffering'), 'no')
  const heard = { text: '', stop: () => stop.abort() }
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) heard.text += Buffer.from(chunk).toString()
  }
  read().catch(() => undefined)
  await eventually(() => assert.match(heard.text, /hello/))
  return heard
}

test('a caller whose tools change is told on its open stream, once, and by the new rules from then on', async () => {
  await post(gateway.url('docs'), request('tools/list'), { token })
  const heard = await listen()
  await gateway.writePolicy([rule('docs/echo')])
  await gateway.admin('POST', '/admin/reload')
  await eventually(() => assert.match(heard.text, CHANGED))
  for (const stream of streams) stream.write(`data: ${JSON.stringify(LIST)}\n\n`)
  await eventually(() => assert.match(heard.text, /"late"/))
  assert.match(heard.text, /"echo"/)
  assert.doesNotMatch(heard.text, /delete_all/)
  assert.equal(heard.text.match(CHANGED)?.length, 1)
  heard.stop()
})

test('a change that concerns nobody who listens is told to nobody', async () => {
  streams = []
  const heard = await listen()
  await gateway.writePolicy([
    rule('docs/echo'),
    { ...rule('docs/delete_all'), id: 'people', subjects: [{ kind: 'human' }] },
  ])
  const { status } = await gateway.admin('POST', '/admin/reload')
  assert.equal(status, 200)
  for (const stream of streams) stream.write(': later\n\n')
  await eventually(() => assert.match(heard.text, /later/))
  assert.doesNotMatch(heard.text, CHANGED)
  heard.stop()
})
