/** Ways that outlive a policy show what the new one allows, and say that lists have changed, whatever they are. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { startRecordingServer } from '../testkit/recording-server.ts'
import { modern, openSession, post, request } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { openWs } from '../testkit/ws-client.ts'
import type { WsServer } from '../testkit/ws-server.ts'
import { startWsServer } from '../testkit/ws-server.ts'

const LIST = {
  jsonrpc: '2.0',
  id: 'late',
  result: { tools: ['echo', 'delete_all'].map((name) => ({ name, inputSchema: {} })) },
}
const CHANGED = /"method":"notifications\/tools\/list_changed"/g

const SUBSCRIBED =
  /"method":"notifications\/tools\/list_changed","params":\{"_meta":\{"[^"]+":4\}\}/g

let server: RecordingServer
let socketServer: WsServer
let gateway: TestGatehouse
let token: string
let streams: ServerResponse[] = []

before(async () => {
  server = await startRecordingServer(keepStreams)
  socketServer = await startWsServer()
  gateway = await startGatehouse({
    servers: { docs: server.url, chat: socketServer.url },
    rules: [rule('*/*'), PEOPLE],
  })
  token = await gateway.token('docs')
})

after(async () => {
  for (const stream of streams) stream.destroy()
  await stopAll(gateway, server, socketServer)
})

/** What no change of the agents' rule concerns. */
const PEOPLE = {
  id: 'people',
  effect: 'allow',
  subjects: [{ groups: ['staff'] }],
  tools: ['docs/echo', 'docs/delete_all'],
}

function rule(tools: string): Readonly<Record<string, unknown>> {
  return { id: 'agents', effect: 'allow', subjects: [{ users: ['agent-1'] }], tools: [tools] }
}

function keepStreams({ method, json }: Seen, response: ServerResponse): boolean {
  const isSubscribing = json?.method === 'subscriptions/listen'
  if (method !== 'GET' && !isSubscribing) return false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': hello\n\n')
  if (isSubscribing) {
    const notifications = { toolsListChanged: true }
    const acknowledged = 'notifications/subscriptions/acknowledged'
    const params = { _meta: { 'io.modelcontextprotocol/subscriptionId': json.id }, notifications }
    const message = { jsonrpc: '2.0', method: acknowledged, params }
    response.write(`data: ${JSON.stringify(message)}\n\n`)
  }
  streams.push(response)
  return true
}

type Heard = { text: string; readonly stop: () => void }

/** What a listening stream has brought so far. */
async function hear(init: RequestInit, greeting: RegExp): Promise<Heard> {
  const stop = new AbortController()
  const response = await fetch(gateway.url('docs'), { ...init, signal: stop.signal })
  assert.equal(response.headers.get('x-accel-buffering'), 'no')
  const heard = { text: '', stop: () => stop.abort() }
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) heard.text += Buffer.from(chunk).toString()
  }
  read().catch(() => undefined)
  await eventually(() => assert.match(heard.text, greeting))
  return heard
}

async function listen(own = token): Promise<Heard> {
  const sessionId = await openSession(gateway.url('docs'), own)
  const headers = {
    authorization: `Bearer ${own}`,
    accept: 'text/event-stream',
    'mcp-session-id': sessionId,
  }
  return await hear({ headers }, /hello/)
}

async function subscribe(): Promise<Heard> {
  const notifications = { toolsListChanged: true, promptsListChanged: true }
  const { body, headers: mirrored } = modern('subscriptions/listen', { notifications }, 4)
  const headers = {
    ...mirrored,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  return await hear({ method: 'POST', headers, body: JSON.stringify(body) }, /acknowledged/)
}

test('whoever sees other tools is told once, in whatever way it listens, and goes by the new rules', async () => {
  await post(gateway.url('docs'), request('tools/list'), { token })
  const staff = await gateway.token('docs', { subject: 'anna', groups: ['staff'] })
  const [heard, subscribed, other] = [await listen(), await subscribe(), await listen(staff)]
  const headers = { authorization: `Bearer ${await gateway.token('chat')}` }
  const ws = await openWs(gateway.url('chat'), { headers })
  ws.send(request('tools/list', {}, 1))
  await ws.answer(1)

  await gateway.writePolicy([rule('docs/echo'), { ...rule('chat/nothing'), id: 'chat' }, PEOPLE])
  await gateway.admin('POST', '/admin/reload')
  await eventually(() => assert.match(heard.text, CHANGED))
  await eventually(() => assert.match(subscribed.text, SUBSCRIBED))
  await eventually(() => assert.match(JSON.stringify(ws.received), CHANGED))
  for (const stream of streams) stream.write(`data: ${JSON.stringify(LIST)}\n\n`)
  for (const one of [heard, subscribed, other]) {
    await eventually(() => assert.match(one.text, /"late"/))
  }
  assert.match(heard.text, /"echo"/)
  assert.doesNotMatch(heard.text, /delete_all/)
  assert.equal(heard.text.match(CHANGED)?.length, 1)
  assert.equal(subscribed.text.match(CHANGED)?.length, 1)
  assert.doesNotMatch(subscribed.text, /prompts\/list_changed/)
  assert.doesNotMatch(other.text, CHANGED)
  for (const { stop } of [heard, subscribed, other]) stop()
  ws.socket.close()
})
