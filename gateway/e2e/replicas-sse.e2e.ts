/**
 * HTTP+SSE through two gateways with one key ring and no shared store: one of them holds the stream, the
 * other takes the messages. Keys change while the stream is open.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { EventReader } from '../testkit/event-reader.ts'
import { openEvents } from '../testkit/event-reader.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import type { Replicas } from '../testkit/replicas.ts'
import { ringEntry, startReplicas, turnKeys } from '../testkit/replicas.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, post, request } from '../testkit/rpc.ts'
import type { SseServer } from '../testkit/sse-server.ts'
import { startSseServer } from '../testkit/sse-server.ts'
import { stopAll } from '../testkit/stop-all.ts'

const ANYBODY = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [
  { id: 'asking', ...ANYBODY, methods: ['sampling/createMessage'] },
  { id: 'some', ...ANYBODY, tools: ['docs/echo'] },
]

const OLD = ringEntry('old')
const NEW = ringEntry('new')

let server: SseServer
let replicas: Replicas
let token: string

before(async () => {
  server = await startSseServer()
  replicas = await startReplicas(
    { upstream: { url: server.sse, transport: 'sse' } },
    { rules: RULES, entries: [OLD] },
  )
  token = await replicas.token()
})

after(() => stopAll(replicas, server))

type Session = {
  readonly stream: EventReader
  /** POSTs a message of this session to the gateway that does not hold the stream, or to another. */
  post(message: unknown, options?: { at?: TestGatehouse; as?: string }): Promise<Reply>
  /** Sends a message of the server down the stream. */
  say(message: object): void
}

async function openSession(holder: TestGatehouse): Promise<Session> {
  const known = new Set(server.streams.keys())
  const headers = { authorization: `Bearer ${token}` }
  const stream = await openEvents(holder.url('docs'), { headers })
  const [, endpoint = ''] = await stream.readUntil(/event: endpoint\ndata: (\S+)\n\n/)
  const [own] = [...server.streams.keys()].filter((session) => !known.has(session))
  const other = holder === replicas.first ? replicas.second : replicas.first
  return {
    stream,
    post: (message, { at = other, as = token } = {}) =>
      post(String(new URL(endpoint, at.origin)), message, { token: as }),
    say: (message) =>
      void server.streams.get(own ?? '')?.write(`data: ${JSON.stringify(message)}\n\n`),
  }
}

const both = (): readonly TestGatehouse[] => [replicas.first, replicas.second]

test('X-07 a list asked for at one gateway is filtered on the stream that the other holds', async () => {
  for (const holder of both()) {
    const session = await openSession(holder)
    assert.equal((await session.post(request('tools/list', {}, 'list'))).status, 202)
    const [, tools] = await session.stream.readUntil(/"id":"list","result":\{"tools":(\[.*\])\}/)
    assert.deepEqual(
      (JSON.parse(tools ?? '') as readonly { name: string }[]).map(({ name }) => name),
      ['echo'],
    )
    session.stream.close()
  }
})

test('calls of one session alternate between the gateways, and a denied one is told on the stream', async () => {
  for (const holder of both()) {
    const session = await openSession(holder)
    for (let id = 0; id < 4; id++) {
      const at = both()[id % 2]!
      await session.post(callTool('echo', {}, `allowed-${id}`), { at })
      await session.post(callTool('delete_all', {}, `denied-${id}`), { at })
      await session.stream.readUntil(new RegExp(`"id":"allowed-${id}","result"`))
      await session.stream.readUntil(new RegExp(`"id":"denied-${id}","error":.*Unknown tool`))
    }
    session.stream.close()
  }
  assert.ok(server.calls('tools/call').every(({ json }) => json?.params?.['name'] === 'echo'))
})

test('X-13 what the server asks on one gateway is answered through the other; what it never asked by neither', async () => {
  for (const holder of both()) {
    const session = await openSession(holder)
    session.say({ jsonrpc: '2.0', id: 5, method: 'sampling/createMessage', params: {} })
    const [, asked = ''] = await session.stream.readUntil(/"id":"([\w-]+)","method":"sampling/)
    const reply = await session.post({ jsonrpc: '2.0', id: asked, result: { said: 1 } })
    assert.equal(reply.status, 202)
    assert.deepEqual(server.posts().at(-1)?.json, { jsonrpc: '2.0', id: 5, result: { said: 1 } })
    const other = await openSession(holder)
    const before = server.seen.length
    for (const at of both()) {
      for (const id of [5, '5', `${asked.slice(0, -1)}_`]) {
        const refused = await session.post({ jsonrpc: '2.0', id, result: {} }, { at })
        assert.deepEqual([refused.status, refused.json?.error?.code], [400, -32600])
      }
      // Asked, but in another session.
      const refused = await other.post({ jsonrpc: '2.0', id: asked, result: {} }, { at })
      assert.equal(refused.status, 400)
    }
    assert.equal(server.seen.length, before)
    session.stream.close()
    other.stream.close()
  }
})

test('X-09 an endpoint of somebody else is 404 at either, and the server hears nothing', async () => {
  const session = await openSession(replicas.first)
  const mallory = await replicas.token({ subject: 'mallory' })
  const before = server.seen.length
  for (const at of both()) {
    assert.equal((await session.post(request('ping'), { at, as: mallory })).status, 404)
  }
  assert.equal(server.seen.length, before)
  session.stream.close()
})

/** The session works at either gateway, whichever key each seals with. */
async function assertWorks(session: Session, round: string): Promise<void> {
  for (const [turn, at] of both().entries()) {
    const id = `${round}-${turn}`
    assert.equal((await session.post(callTool('echo', {}, id), { at })).status, 202)
    await session.stream.readUntil(new RegExp(`"id":"${id}","result"`))
    assert.equal((await session.post(callTool('delete_all', {}, `${id}-no`), { at })).status, 202)
    await session.stream.readUntil(new RegExp(`"id":"${id}-no","error"`))
  }
}

test('a stream outlives a change of keys at either gateway, and its endpoint ends with the key that sealed it', async () => {
  const session = await openSession(replicas.first)
  const rings = [
    [OLD, NEW],
    [NEW, OLD],
  ]
  for (const [step, ring] of rings.entries()) {
    for (const [turn, gateway] of both().toReversed().entries()) {
      await turnKeys(gateway, ring)
      await assertWorks(session, `step-${step}-${turn}`)
    }
  }
  const renewed = await openSession(replicas.second)
  for (const gateway of both()) await turnKeys(gateway, [NEW])
  await assertWorks(renewed, 'renewed')
  const before = server.seen.length
  for (const at of both()) {
    assert.equal((await session.post(request('ping'), { at })).status, 404)
  }
  assert.equal(server.seen.length, before)
  for (const { stream } of [session, renewed]) stream.close()
})
