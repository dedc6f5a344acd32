/** Servers that send without an end: cut at the bound, visibly, with bounded memory (D-13 of the threat model). */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../../testkit/gatehouse.ts'
import { messagesIn, readAnswer } from '../../testkit/read-answer.ts'
import type { RecordingServer, Seen } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, post } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'
import { MAX_ANSWER_BYTES } from '../../upstream/exchange.ts'

const MIB = 1_048_576

/** What the gateway may have in memory more than before: the largest answer a few times over, and garbage. */
const MAX_GROWTH = 160 * MIB

const PIECE = Buffer.alloc(64 * 1_024, 'x')

let server: RecordingServer
let gateway: TestGatehouse
let token: string
/** Bytes that the server got rid of in this answer. */
let sent = 0

before(async () => {
  server = await startRecordingServer(flood)
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, unlisted: 'allow' } },
    rules: [allowAll('docs')],
  })
  token = await gateway.token('docs')
  await post(gateway.url('docs'), callTool('echo'), { token })
})

after(() => stopAll(gateway, server))

const BEGINNINGS: Readonly<Record<string, readonly [type: string, text: string]>> = {
  json: ['application/json', '{"jsonrpc":"2.0","id":7,"result":{"text":"'],
  list: ['application/json', '{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"'],
  event: ['text/event-stream', 'data: {"jsonrpc":"2.0","id":7,"result":{"text":"'],
  comment: ['text/event-stream', ': '],
  line: ['text/event-stream', ''],
}

/** Begins as its tool says and goes on until nobody takes any more. */
function flood({ json }: Seen, response: ServerResponse): boolean {
  const beginning = BEGINNINGS[String(json?.params?.['name'])]
  if (beginning === undefined) return false
  const [type, text] = beginning
  sent = 0
  response.writeHead(200, { 'content-type': type })
  response.write(text)
  const pour = (): void => {
    while (!response.destroyed) {
      sent += PIECE.length
      if (!response.write(PIECE)) return
    }
  }
  response.on('drain', pour)
  pour()
  return true
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${gateway.child.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

for (const kind of Object.keys(BEGINNINGS)) {
  test(`D-13 an endless ${kind} is cut at its bound, and the caller can tell`, async () => {
    const before = await residentBytes()
    const answer = await readAnswer(gateway.url('docs'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(callTool(kind, {}, 7)),
    })
    const said = `${answer.end}: ${answer.text.slice(-200)}`
    if (answer.end === 'clean') assert.match(answer.text, /"code":1003/, said)
    else if (answer.headers.get('content-type') === 'text/event-stream') {
      assert.equal(messagesIn(answer.text).at(-1)?.error?.code, 1003, said)
    }
    // What is on its way in sockets and buffers comes on top.
    assert.ok(sent < MAX_ANSWER_BYTES + 16 * MIB, `${sent} bytes were taken`)
    assert.ok((await residentBytes()) - before < MAX_GROWTH)
    const { json } = await post(gateway.url('docs'), callTool('echo'), { token })
    assert.ok(json?.result)
  })
}

test('no fault was logged', () => {
  assert.doesNotMatch(gateway.child.output(), /"fault"/)
})
