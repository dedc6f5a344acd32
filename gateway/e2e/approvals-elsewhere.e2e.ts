/** Calls that wait for a person on a WebSocket and in a batch: told there, decided on the page, made once. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { newApiKey } from '../identity/api-keys.ts'
import { atPage } from '../testkit/approver.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { startGatehouse } from '../testkit/gatehouse.ts'
import type { RecordingServer, Rpc, Seen } from '../testkit/recording-server.ts'
import { resultFor, sendJson, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool, openSession, post, request, type RpcReply } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'
import { openWs } from '../testkit/ws-client.ts'
import type { WsServer } from '../testkit/ws-server.ts'
import { startWsServer } from '../testkit/ws-server.ts'

const lead = newApiKey(randomBytes)

let http: RecordingServer
let socket: WsServer
let gateway: TestGatehouse

before(async () => {
  http = await startRecordingServer(answerBatch)
  socket = await startWsServer()
  const anybody = { subjects: [{ any: true }] }
  gateway = await startGatehouse({
    servers: { docs: http.url, live: socket.url },
    rules: [
      { ...anybody, id: 'all', effect: 'allow', tools: ['*/*'] },
      {
        ...anybody,
        id: 'deletions',
        effect: 'require',
        tools: ['*/delete_all'],
        require: { approval: { by: 'group:leads' } },
      },
    ],
    config: {
      api_keys: [
        {
          prefix: lead.prefix,
          sha256: lead.sha256,
          subject: 'lena',
          owner: 'tests',
          kind: 'human',
          groups: ['leads'],
        },
      ],
    },
  })
})

after(() => stopAll(gateway, http, socket))

function answerBatch({ body, json }: Seen, response: ServerResponse): boolean {
  if (!Array.isArray(json)) return false
  const messages = JSON.parse(body.toString('utf8')) as readonly Rpc[]
  sendJson(
    response,
    messages.map((rpc) => ({ jsonrpc: '2.0', id: rpc.id, result: resultFor(rpc) })),
  )
  return true
}

type Elicitation = { readonly elicitationId: string; readonly url: string }

function elicitationIn(message: RpcReply | undefined): Elicitation {
  assert.equal(message?.error?.code, -32042, JSON.stringify(message))
  const { elicitations } = message.error.data as { readonly elicitations: readonly Elicitation[] }
  return elicitations[0]!
}

async function approve(url: string): Promise<void> {
  const approver = atPage(url)
  await approver.signIn(lead.text)
  assert.equal((await approver.press('once')).status, 303)
}

test('on a WebSocket the client is sent to the page, told when its person is done, and its call goes up once', async (t) => {
  const authorization = `Bearer ${await gateway.token('live')}`
  const ws = await openWs(gateway.url('live'), { headers: { authorization } })
  t.after(() => ws.socket.terminate())
  const capabilities = { elicitation: { url: {} } }
  const clientInfo = { name: 'bare', version: '1' }
  ws.send(request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo }, 0))
  await ws.answer(0)
  ws.send(callTool('delete_all', {}, 1))
  const { elicitationId, url } = elicitationIn(await ws.answer(1))
  assert.deepEqual(socket.calls('tools/call'), [])
  await approve(url)
  await eventually(() => {
    const told = ws.received.filter((it) => it['method'] === 'notifications/elicitation/complete')
    assert.deepEqual(
      told.map(({ params }) => params),
      [{ elicitationId }],
    )
  })
  ws.send(callTool('delete_all', {}, 2))
  assert.deepEqual((await ws.answer(2))['result'], {
    content: [{ type: 'text', text: 'deleted' }],
  })
  ws.send(callTool('delete_all', {}, 3))
  assert.notEqual(elicitationIn(await ws.answer(3)).url, url)
  assert.equal(socket.calls('tools/call').length, 1)
})

test('in a batch each call that waits has its page, and the batch goes up once both are approved', async () => {
  const token = await gateway.token('docs')
  const sessionId = await openSession(gateway.url('docs'), token, '2025-03-26')
  const headers = { 'mcp-session-id': sessionId }
  const batch = [
    callTool('delete_all', { path: '/a' }, 1),
    callTool('echo', {}, 2),
    callTool('delete_all', { path: '/b' }, 3),
  ]
  const send = async () => {
    const { json } = await post(gateway.url('docs'), batch, { token, headers })
    return json as unknown as readonly RpcReply[]
  }
  const [one, two, three] = await send()
  assert.equal(two?.error?.code, 1000)
  await approve(elicitationIn(one).url)
  assert.equal(elicitationIn((await send())[2]).url, elicitationIn(three).url)
  assert.deepEqual(http.calls('tools/call'), [])
  await approve(elicitationIn(three).url)
  assert.deepEqual(
    (await send()).map(({ id, error }) => [id, error]),
    [
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ],
  )
  assert.notEqual(elicitationIn((await send())[0]).url, elicitationIn(one).url)
})
