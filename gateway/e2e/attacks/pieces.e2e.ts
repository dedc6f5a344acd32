/**
 * Bodies and answers in chunks of one byte each: they cost no more memory and no more time than their bytes are
 * worth, and whoever else calls is served meanwhile.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import { openRaw } from '../../testkit/raw-http.ts'
import type { RawRequest, RawServer } from '../../testkit/raw-server.ts'
import { httpAnswer, startRawServer } from '../../testkit/raw-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const MIB = 1_048_576

/** What either of both may cost: a few times its bytes, and garbage. Held one by one they cost twice as much. */
const MAX_GROWTH = 40 * MIB

/** More than an answer of this size takes by far, and less than reading all of it again for each byte of it. */
const HEARD_MS = 8_000

const LONG = 'x'.repeat(MIB / 2)

/** Each chunk of a body takes Node.js some microseconds. */
const BODY_BYTES = MIB / 4

let server: RawServer
let gateway: TestGatehouse
let token: string

before(async () => {
  server = await startRawServer((socket, asked) => socket.write(answerTo(asked)))
  gateway = await startGatehouse({
    servers: { docs: { upstream: { url: server.url }, unlisted: 'allow' } },
    rules: [allowAll('docs')],
  })
  token = await gateway.token('docs')
  await post(gateway.url('docs'), callTool('echo'), { token })
})

after(() => stopAll(gateway, server))

function answerTo({ json }: RawRequest): string | Buffer {
  const { id, method } = json ?? {}
  const answer = (result: unknown): string => JSON.stringify({ jsonrpc: '2.0', id, result })
  if (method === 'tools/list') {
    const tools = [{ name: 'echo', description: LONG, inputSchema: { type: 'object' } }]
    return inBytes('application/json', answer({ tools }))
  }
  if (method !== 'initialize') return httpAnswer(answer({ content: [] }))
  const params = { level: 'info', data: LONG.slice(0, 40_000) }
  const told = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })
  const agreed = answer({ protocolVersion: '2025-11-25', capabilities: {}, serverInfo: INFO })
  return inBytes('text/event-stream', `data: ${told}\n\ndata: ${agreed}\n\n`)
}

const INFO = { name: 'bytewise', version: '1' }

function inBytes(type: string, text: string): string {
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
  return `${head}${chunksOf(text)}0\r\n\r\n`
}

/** A chunk for each byte of a text in ASCII. */
function chunksOf(text: string): string {
  return text.replaceAll(/[^]/g, '1\r\n$&\r\n')
}

/** The most memory that the gateway has had so far. */
async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${gateway.child.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

test('a body in chunks of one byte is passed on, and takes no more than it is worth', async () => {
  const before = await peakBytes()
  const connection = await openRaw(gateway.origin)
  const body = JSON.stringify(callTool('echo', { text: LONG.slice(0, BODY_BYTES) }))
  const client = createRawClient(gateway.url('docs'), token)
  const more = [['Transfer-Encoding', 'chunked']] as const
  connection.write(client.text({ more, body: `${chunksOf(body)}0\r\n\r\n` }))
  assert.equal((await connection.read()).status, 200)
  connection.end()
  assert.equal(JSON.stringify(server.calls('echo').at(-1)?.json), body)
  assert.ok((await peakBytes()) - before < MAX_GROWTH)
})

test('a list in chunks of one byte is shown, and takes no more than it is worth', async () => {
  const before = await peakBytes()
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  const { status, text } = await post(gateway.url('docs'), list, { token })
  assert.equal(status, 200)
  assert.ok(text.includes(LONG))
  assert.ok((await peakBytes()) - before < MAX_GROWTH)
})

test('a session that a server opens on a stream in chunks of one byte holds up nobody', async () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: INFO }
  const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
  const started = performance.now()
  const { status, text } = await post(gateway.url('docs'), hello, { token })
  assert.equal(status, 200)
  assert.match(text, /"serverInfo"/)
  assert.ok(performance.now() - started < HEARD_MS)
})
