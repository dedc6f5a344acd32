/**
 * The raw front: calls are served as behind node:http (`listen.front: node`), and whatever it does not read
 * itself goes there, in the middle of a connection too.
 */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import { connectV2 } from '../testkit/sdk-client.ts'
import { eventually } from '../testkit/eventually.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RawClient } from '../testkit/raw-client.ts'
import { chunked, createRawClient } from '../testkit/raw-client.ts'
import { openRaw } from '../testkit/raw-http.ts'
import type { RecordingServer, Seen } from '../testkit/recording-server.ts'
import { sendEvents, startRecordingServer } from '../testkit/recording-server.ts'
import { callTool } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const MIB = 1_048_576

/** How long a connection may take to close. */
const PATIENCE_MS = 15_000
const LARGE = 'x'.repeat(5 * MIB)

/** What Node.js adds to every answer, and we must too. */
const ALWAYS = ['connection', 'date', 'keep-alive']

let server: RecordingServer
let raw: TestGatehouse
let node: TestGatehouse
let client: RawClient
let token: string

/** Calls that the server has not answered, and will not. */
const hanging = new Set<ServerResponse>()

before(async () => {
  server = await startRecordingServer(answerInManyWays)
  const servers = { docs: { upstream: { url: server.url }, unlisted: 'allow' } }
  const rules = [allowAll('docs')]
  const at = (front: string) =>
    startGatehouse({ servers, rules, config: ({ port }) => ({ listen: { port, front } }) })
  ;[raw, node] = await Promise.all([at('raw'), at('node')])
  token = await raw.token('docs')
  client = createRawClient(raw.url('docs'), token)
})

after(() => stopAll(raw, node, server))

function answerInManyWays({ json }: Seen, response: ServerResponse): boolean {
  const result = { content: [{ type: 'text', text: LARGE }] }
  const reply = { jsonrpc: '2.0', id: json?.id, result }
  switch (json?.params?.['name']) {
    case 'large':
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
      return true
    case 'events':
      sendEvents(response, [
        { jsonrpc: '2.0', method: 'notifications/progress', params: {} },
        reply,
      ])
      return true
    case 'never':
      hanging.add(response)
      response.on('close', () => hanging.delete(response))
      return true
    default:
      return false
  }
}

const toCall = (name: string): string => client.text({ body: JSON.stringify(callTool(name)) })

test('an answer has the status, body and header names that it has behind node:http', async () => {
  const there = createRawClient(node.url('docs'), await node.token('docs'))
  for (const bearer of [undefined, 'none', 'x.y.z']) {
    for (const name of ['echo', 'large', 'events']) {
      const sent = {
        body: JSON.stringify(callTool(name)),
        ...(bearer === undefined ? {} : { bearer }),
      }
      const [here, elsewhere] = [await client.send(sent), await there.send(sent)]
      assert.equal(here.reply.status, elsewhere.reply.status)
      assert.equal(
        here.reply.text.replaceAll(raw.origin, ''),
        elsewhere.reply.text.replaceAll(node.origin, ''),
      )
      const names = [...here.reply.headers.keys()]
      assert.deepEqual(names.toSorted(), [...elsewhere.reply.headers.keys()].toSorted())
      for (const always of ALWAYS) assert.ok(names.includes(always), always)
      assert.equal(here.closed, elsewhere.closed)
    }
  }
})

test('a stock client works, its streams and its leaving too', async () => {
  const stock = await connectV2(raw.url('docs'), token)
  for (const name of ['echo', 'large', 'events']) {
    const result = await stock.callTool({ name, arguments: {} })
    assert.ok(JSON.stringify(result).length > 20, name)
  }
  await stock.close()
})

test('a connection goes to node:http with the first request that is not a plain call, and stays there', async () => {
  const connection = await openRaw(raw.origin)
  const asked = [
    toCall('echo'),
    toCall('events'),
    client.text({ method: 'DELETE', body: '' }),
    toCall('echo'),
    client.text({
      more: [['Transfer-Encoding', 'chunked']],
      body: chunked(JSON.stringify(callTool('echo'))),
    }),
    `GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: ${new URL(raw.origin).host}\r\n\r\n`,
  ]
  const statuses: number[] = []
  for (const text of asked) {
    connection.write(text)
    statuses.push((await connection.read()).status)
  }
  connection.end()
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200])
})

test('a call that comes in pieces, or behind another, is answered in its turn', async () => {
  const connection = await openRaw(raw.origin)
  const text = toCall('echo')
  connection.write(text.slice(0, 100))
  await new Promise((resolve) => setTimeout(resolve, 30))
  connection.write(text.slice(100))
  assert.equal((await connection.read()).status, 200)
  connection.end()

  const pipelined = await openRaw(raw.origin)
  pipelined.write(toCall('large'))
  await new Promise((resolve) => setTimeout(resolve, 5))
  pipelined.write(toCall('echo') + toCall('events'))
  const lengths = []
  for (let at = 0; at < 3; at += 1) lengths.push((await pipelined.read()).text.length > MIB)
  assert.deepEqual(lengths, [true, false, true])
  pipelined.end()
})

test('a client that hangs up ends its call at the server in the modern era', async () => {
  const connection = await openRaw(raw.origin)
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'never', _meta: meta },
  }
  const more = [
    ['MCP-Protocol-Version', '2026-07-28'],
    ['Mcp-Method', 'tools/call'],
    ['Mcp-Name', 'never'],
  ] as const
  connection.write(client.text({ body: JSON.stringify(call), more }))
  await eventually(() => assert.equal(hanging.size, 1))
  connection.end()
  await eventually(() => assert.equal(hanging.size, 0))
})

test('idle connections end with the gateway, and none is left behind', async () => {
  const [idle, silent] = [await openRaw(raw.origin), await openRaw(raw.origin)]
  idle.write(toCall('echo'))
  await idle.read()
  // Only a server that watches its connections, and so holds them to time-outs too, knows which are idle.
  const handedOver = await openRaw(raw.origin)
  handedOver.write(`GET /none HTTP/1.1\r\nHost: ${new URL(raw.origin).host}\r\n\r\n`)
  await handedOver.read()
  raw.child.signal('SIGTERM')
  assert.ok(await idle.closes(PATIENCE_MS))
  assert.ok(await silent.closes(PATIENCE_MS))
  assert.ok(await handedOver.closes(PATIENCE_MS))
  assert.equal(await raw.child.exited, 0)
})
