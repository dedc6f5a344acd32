/**
 * Too much of everything: bodies, headers, names. What is refused is refused early, and what is counted
 * stays bounded. The names (D-03 …) are those of the project's threat model.
 */
import assert from 'node:assert/strict'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'

import type { TestGatehouse } from '../../testkit/gatehouse.ts'
import { startGatehouse } from '../../testkit/gatehouse.ts'
import type { Header, RawClient } from '../../testkit/raw-client.ts'
import { createRawClient } from '../../testkit/raw-client.ts'
import type { RecordingServer } from '../../testkit/recording-server.ts'
import { startRecordingServer } from '../../testkit/recording-server.ts'
import { callTool, request } from '../../testkit/rpc.ts'
import { stopAll } from '../../testkit/stop-all.ts'

const MIB = 1_048_576

let server: RecordingServer
let gateway: TestGatehouse
let client: RawClient
let token: string

before(async () => {
  server = await startRecordingServer()
  gateway = await startGatehouse({
    servers: { docs: { upstream: server.url, max_body: '1MiB' } },
    rules: [{ id: 'echo', effect: 'allow', subjects: [{ any: true }], tools: ['docs/*'] }],
    algorithm: 'ES256',
  })
  token = await gateway.token('docs')
  client = createRawClient(gateway.url('docs'), token)
  assert.equal((await client.send({})).reply.status, 200)
})

after(() => stopAll(server, gateway))

test('D-03 a length beyond the limit is 413 before the body is sent', async () => {
  const seen = server.seen.length
  for (const length of [MIB + 1, 1_099_511_627_776, Number.MAX_SAFE_INTEGER]) {
    const { reply } = await client.send({ more: [['Content-Length', String(length)]], body: '' })
    assert.equal(reply.status, 413)
  }
  assert.equal(server.seen.length, seen)
})

test('D-03 a hundred MiB in chunks are 413 at the limit, and are not read to their end', async () => {
  const seen = server.seen.length
  const { hostname, port } = new URL(gateway.origin)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(client.text({ more: [['Transfer-Encoding', 'chunked']], body: '' }))
  const chunk = `${MIB.toString(16)}\r\n${' '.repeat(MIB)}\r\n`
  let sent = 0
  while (sent < 100 && !socket.destroyed) {
    sent += 1
    if (socket.write(chunk)) continue
    await Promise.race([closed, new Promise((resolve) => socket.once('drain', resolve))])
  }
  await closed
  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.ok(sent < 64, `${sent} MiB were taken`)
  assert.equal(server.seen.length, seen)
  assert.equal((await client.send({})).reply.status, 200)
})

const HEAD_FLOODS: readonly { readonly name: string; readonly headers: () => readonly Header[] }[] =
  [
    { name: '101 headers', headers: () => many(101) },
    { name: '300 headers', headers: () => many(300) },
    { name: 'a header of 64 KiB', headers: () => [['X-Big', 'a'.repeat(65_536)]] },
    { name: 'a cookie of 1 MiB', headers: () => [['Cookie', `a=${'a'.repeat(MIB)}`]] },
    { name: 'a header name of 64 KiB', headers: () => [['X'.repeat(65_536), '1']] },
  ]

function many(count: number): readonly Header[] {
  return Array.from({ length: count }, (_, at): Header => [`X-${at}`, '1'])
}

for (const { name, headers } of HEAD_FLOODS) {
  test(`D-04 ${name} are 431, and the connection is closed`, async () => {
    const seen = server.seen.length
    const { reply, closed } = await client.send({ more: headers() }, { closed: true })
    assert.equal(reply.status, 431)
    assert.equal(closed, true)
    assert.equal(server.seen.length, seen)
  })
}

test('D-04 a hundred headers are served', async () => {
  const { reply } = await client.send({ more: many(95) })
  assert.equal(reply.status, 200)
})

test('D-04 a target of 8 KiB is looked up, a longer one is refused', async () => {
  const long = `/mcp?${'q'.repeat(8_192 - 5)}`
  assert.equal((await client.send({ target: long })).reply.status, 200)
  assert.equal((await client.send({ target: `${long}q` })).reply.status, 400)
})

const EACH = 2_000

function seriesOf(text: string): number {
  return text.split('\n').filter((line) => /^[a-z]/.test(line)).length
}

test(`D-07 ${5 * EACH} names, methods, paths, clients and user agents make at most 100 metric series`, async () => {
  const before = seriesOf(await gateway.metrics())
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const send = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    new Promise<number>((resolve, reject) => {
      const sent = httpRequest(`${gateway.origin}${path}`, { agent, method: 'POST' })
      const all = {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...headers,
      }
      for (const [name, value] of Object.entries(all)) sent.setHeader(name, value)
      sent.on('response', (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      })
      sent.on('error', reject)
      sent.end(JSON.stringify(body))
    })
  const flood = async (make: (at: number) => Promise<number>): Promise<ReadonlySet<number>> => {
    const statuses = new Set<number>()
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < EACH) {
        next += 1
        statuses.add(await make(next))
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    return statuses
  }
  const tokens = await Promise.all(
    Array.from({ length: EACH }, (_, at) =>
      gateway.token('docs', { subject: `user-${at}`, client: `client-${at}` }),
    ),
  )
  assert.deepEqual([...(await flood((at) => send('/mcp', callTool(`tool-${at}`))))], [200])
  assert.deepEqual([...(await flood((at) => send('/mcp', request(`vendor/m${at}`))))], [200])
  assert.deepEqual([...(await flood((at) => send(`/path-${at}`, callTool('echo'))))], [404])
  assert.deepEqual(
    [...(await flood((at) => send('/mcp', callTool('echo'), { 'user-agent': `agent/${at}` })))],
    [200],
  )
  const admitted = await flood((at) =>
    send('/mcp', callTool('echo'), { authorization: `Bearer ${tokens[at - 1]}` }),
  )
  // At most 64 new tokens are verified at once; above it a client is asked to come again.
  assert.ok([...admitted].every((status) => status === 200 || status === 503))
  agent.destroy()
  const text = await gateway.metrics()
  const grown = seriesOf(text) - before
  assert.ok(grown <= 100, `${grown} new series`)
  assert.doesNotMatch(text, /tool-\d|vendor\/m|path-\d|agent\/\d|user-\d|client-\d/)
})
