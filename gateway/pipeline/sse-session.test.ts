/** What an HTTP+SSE stream becomes on its way to the client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import type { RingKey } from '../model/ring-key.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Sink, Source } from '../upstream/answer.ts'
import type { UpstreamRequest } from '../upstream/conversations.ts'
import type { Desk } from './desk.ts'
import { openEndpoint } from './endpoint.ts'
import { FilteredStream } from './filtered-stream.ts'
import { ownerOf } from './handles.ts'
import type { Answered } from './show-message.ts'
import { tellOnStream } from './tell-on-stream.ts'
import type { Outgoing, Seated, Visit } from './visit.ts'

const SERVER = testServer({
  upstream: { ...testServer().upstream, transport: 'sse', origin: 'http://up.test', path: '/sse' },
})
const ENDPOINT = 'event: endpoint\ndata: /m?s=1\n\n'
const LIST =
  'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"wipe"}]}}\n\n'

/** A desk whose server answers every POST with this status, or not at all. */
function createDesk(status: number | undefined) {
  const sent: (UpstreamRequest & { readonly text: string })[] = []
  const desk: Desk = {
    latest: () => desk,
    ...testDesk([{ id: 'r', effect: 'allow', subjects: [{ any: true }], tools: ['docs/read'] }]),
    seals: createSeals([temporaryKey()]),
    emit: () => undefined,
    routes: { sites: new Map(), allowedOrigins: new Set() },
    conversations: {
      send: (_server: unknown, request: UpstreamRequest) => {
        sent.push({ ...request, text: Buffer.from(request.body ?? []).toString() })
        const answer =
          status === undefined
            ? Promise.reject(new Refusal('upstream_unavailable'))
            : Promise.resolve({ status })
        return { answer }
      },
    },
  } as unknown as Desk
  return { desk, sent }
}

const ringKey = (id: string): RingKey => ({ ...temporaryKey(), id })

/** The stream of a caller, fed by hand, and what its client has got. */
function openStream(desk: Desk, caller = testCaller()) {
  const call = { direction: 'up', kind: 'open_stream', era: 'legacy', id: undefined } as Call
  const permit = { caller, server: SERVER, call, rule: 'r', dropped: [] }
  const seat = Object.assign(testSeat({ server: SERVER }), { endpoint: undefined }) as Seated
  let sink: Sink | undefined
  const got: { text: string; failure: unknown } = { text: '', failure: undefined }
  const inner: Source = {
    pipe: (to) => (sink = to),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  const stream = new FilteredStream(
    inner,
    { permit, answer: {}, seat } as unknown as Answered,
    desk,
  )
  stream.pipe({
    write: (chunk) => {
      got.text += Buffer.from(chunk).toString()
      return true
    },
    end: () => undefined,
    fail: (error) => (got.failure = error),
  })
  const feed = async (text: string): Promise<void> => {
    sink?.write(Buffer.from(text))
    await turn()
  }
  return { feed, got, seat }
}

/** A POST to a session of the server, refused with this answer. */
async function refuseCall(desk: Desk, status: number, code: Refusal['code'] = 'unknown_name') {
  const seat = testSeat({ server: SERVER })
  seat.journey.caller = testCaller()
  const visit = { ...seat, endpoint: '/m?s=1', gone: false } as unknown as Visit
  const body = '{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"Unknown tool: wipe"}}'
  const outgoing: Outgoing = { status, headers: [], body: { kind: 'whole', bytes: body } }
  return { told: await tellOnStream(new Refusal(code), outgoing, visit, desk), body }
}

test('an endpoint event comes through rewritten however it is cut into chunks', async () => {
  for (let at = 1; at < ENDPOINT.length; at++) {
    const { desk } = createDesk(202)
    const { feed, got } = openStream(desk)
    await feed(ENDPOINT.slice(0, at))
    await feed(ENDPOINT.slice(at))
    const target = /^event: endpoint\ndata: (\/mcp\?endpoint=[\w-]+)\n\n$/.exec(got.text)?.[1]
    const post = Object.assign(testSeat({ server: SERVER }), { httpMethod: 'POST', target })
    openEndpoint(post as unknown as Seated, testCaller(), desk)
    assert.equal((post as unknown as Seated).endpoint, '/m?s=1')
  }
})

test('line ends of every kind make the same endpoint, and two data lines none', async () => {
  for (const lineEnd of ['\r\n', '\r']) {
    const { desk } = createDesk(202)
    const { feed, got } = openStream(desk)
    await feed(`${ENDPOINT.replaceAll('\n', lineEnd)}: more\n`)
    assert.match(got.text, /^event: endpoint\ndata: \/mcp\?endpoint=/)
  }
  const { feed, got } = openStream(createDesk(202).desk)
  await feed('event: endpoint\ndata: /m\ndata: ?s=1\n\n')
  assert.equal(got.text, '')
  assert.ok(got.failure instanceof Refusal)
})

test('an endpoint may be said again but not changed, and what follows a changed one is not sent', async () => {
  const { feed, got, seat } = openStream(createDesk(202).desk)
  await feed(ENDPOINT + ENDPOINT)
  assert.equal(got.text.match(/event: endpoint/g)?.length, 2)
  await feed('event: endpoint\ndata: /m?s=2\n\n')
  await feed(LIST)
  assert.ok(got.failure instanceof Refusal)
  assert.match(String(got.failure.extra.detail), /not the one it named before/)
  assert.doesNotMatch(got.text, /tools/)
  assert.equal(seat.endpoint, '/m?s=1')
})

for (const event of ['event: endpoint\n\n', 'event: endpoint\ndata:\n\n']) {
  test(`an endpoint event without an address ends the stream: ${JSON.stringify(event)}`, async () => {
    const { feed, got } = openStream(createDesk(202).desk)
    await feed(event)
    assert.ok(got.failure instanceof Refusal)
    assert.equal(got.text, '')
  })
}

test('a list on the stream loses what policy hides, whichever request it answers', async () => {
  const { feed, got } = openStream(createDesk(202).desk)
  await feed(ENDPOINT + LIST)
  assert.match(got.text, /"name":"read"/)
  assert.doesNotMatch(got.text, /wipe/)
})

test('an event of another type keeps the connection alive and says nothing', async () => {
  const { feed, got } = openStream(createDesk(202).desk)
  await feed('event: ping\ndata: 2024-11-05 not JSON {"tools":[{"name":"wipe"}]}\n\n: still\n')
  assert.equal(got.text, 'event: ping\n\n: still\n\n')
  assert.equal(got.failure, undefined)
})

test('a request of the server that is refused is declined at its endpoint, or nowhere before it named one', async () => {
  const { desk, sent } = createDesk(202)
  const { feed, got } = openStream(desk)
  const ask = 'data: {"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{}}\n\n'
  await feed(ask)
  assert.deepEqual([sent.length, got.text], [0, ''])
  await feed(ENDPOINT + ask)
  assert.doesNotMatch(got.text, /sampling/)
  assert.deepEqual(
    sent.map(({ path, text }) => [path, /"id":5,"error"/.test(text)]),
    [['/m?s=1', true]],
  )
})

test('a refusal goes to the stream in the id of a ping, which tells the server nothing', async () => {
  const { desk, sent } = createDesk(202)
  const { told, body } = await refuseCall(desk, 200)
  assert.deepEqual([told.status, told.body], [202, { kind: 'whole', bytes: undefined }])
  const [{ path, text } = { path: '', text: '' }] = sent
  assert.equal(path, '/m?s=1')
  assert.doesNotMatch(text, /wipe|tool|32602/)
  const { id, method } = JSON.parse(text) as { id: string; method: string }
  assert.equal(method, 'ping')
  for (const answer of [
    `{"jsonrpc":"2.0","id":"${id}","result":{}}`,
    `{"result":{},"id" : "${id}","jsonrpc":"2.0"}`,
    `{"jsonrpc":"2.0","id":"${id}","error":{"code":-32601,"message":"no ping here"}}`,
  ]) {
    const { feed, got } = openStream(desk)
    await feed(`event: message\ndata: ${answer}\n\n`)
    assert.equal(got.text, `event: message\ndata: ${body}\n\n`)
  }
  const other = openStream(desk, testCaller({ subject: 'other' }))
  await other.feed(`data: {"jsonrpc":"2.0","id":"${id}","result":{}}\n\n`)
  assert.doesNotMatch(other.got.text, /wipe/)
})

test('a stream that is older than a key opens and seals with it once it is in the ring', async () => {
  const [old, added] = [ringKey('old'), ringKey('added')]
  const { desk } = createDesk(202)
  const began = { ...desk, seals: createSeals([old]) }
  const now = { ...desk, seals: createSeals([added, old]) }
  let latest: Desk = began
  const { feed, got } = openStream(Object.assign(began, { latest: () => latest }))
  latest = now
  const other = createDesk(202)
  const { body } = await refuseCall({ ...other.desk, seals: now.seals }, 200)
  const { id } = JSON.parse(other.sent[0]?.text ?? '') as { id: string }
  await feed(`id: 41\ndata: {"jsonrpc":"2.0","id":"${id}","result":{}}\n\n`)
  assert.ok(got.text.includes(`data: ${body}\n`))
  const [, event = ''] = /^id: (.+)$/m.exec(got.text) ?? []
  const owner = ownerOf(testCaller(), SERVER)
  assert.equal(createSeals([added]).open('event', owner, event), '41')
})

test('a refusal that the server does not take stays the answer to the POST, with its status', async () => {
  for (const status of [undefined, 404, 500, 302]) {
    const { told, body } = await refuseCall(createDesk(status).desk, 200)
    assert.deepEqual([told.status, told.body], [400, { kind: 'whole', bytes: body }])
  }
})

test('a server that is the matter itself is not asked to carry the news', async () => {
  const { desk, sent } = createDesk(202)
  const { told } = await refuseCall(desk, 200, 'upstream_unavailable')
  assert.deepEqual([told.status, sent.length], [502, 0])
})

test('what no request can be answered with is the answer to the POST', async () => {
  const { desk, sent } = createDesk(202)
  for (const status of [400, 401, 403, 404, 413]) {
    assert.equal((await refuseCall(desk, status)).told.status, status)
  }
  assert.equal(sent.length, 0)
})
