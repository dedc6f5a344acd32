/**
 * Servers without TLS, whose connections the gateway keeps itself: answers in every form, connections that end
 * at the wrong moment, bytes that nobody asked for, and callers that leave. Nobody ever gets what was said to
 * somebody else.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'

import { startFullServer, type FullServer } from '../testkit/full-server.ts'
import { eventually } from '../testkit/eventually.ts'
import { freePort } from '../testkit/free-port.ts'
import type { TestGatehouse } from '../testkit/gatehouse.ts'
import { allowAll, startGatehouse } from '../testkit/gatehouse.ts'
import type { RawRequest, RawServer } from '../testkit/raw-server.ts'
import { httpAnswer, startRawServer } from '../testkit/raw-server.ts'
import type { Reply } from '../testkit/rpc.ts'
import { callTool, modern, post } from '../testkit/rpc.ts'
import { stopAll } from '../testkit/stop-all.ts'

const CONNECTIONS = 4

/** For a connection to a server that takes none. */
const CONNECT_MS = 300

let server: RawServer
let full: FullServer
let gateway: TestGatehouse

/** Tokens for `docs` of several callers, each of whom may have a hundred calls in flight, and for the others. */
let callers: readonly string[]
const tokens: Record<string, string> = {}

/** Most connections that were open at a time. */
let mostSockets = 0

/** Calls that the server answers when it is told to. */
const held: { readonly socket: Socket; readonly answer: () => void }[] = []

/** Where each call was asked, by its id. */
const askedOn = new Map<unknown, Socket>()

before(async () => {
  server = await startRawServer(act)
  full = await startFullServer()
  const upstream = (url: string) => ({
    upstream: { url, max_connections: CONNECTIONS, connect_timeout: `${CONNECT_MS}ms` },
    unlisted: 'allow',
  })
  gateway = await startGatehouse({
    servers: {
      docs: upstream(server.url),
      down: upstream(`http://127.0.0.1:${await freePort()}/mcp`),
      full: upstream(full.url),
    },
    rules: ['docs', 'down', 'full'].map(allowAll),
  })
  const subjects = ['alice', 'bob', 'carol', 'dave']
  callers = await Promise.all(subjects.map((subject) => gateway.token('docs', { subject })))
  for (const name of ['down', 'full']) tokens[name] = await gateway.token(name)
})

after(() => stopAll(gateway, server, full))

/** What the server says to this call: nobody else may hear it. */
function resultOf({ json }: RawRequest): string {
  const text = `for ${String(json?.id)} only`
  return JSON.stringify({
    jsonrpc: '2.0',
    id: json?.id,
    result: { content: [{ type: 'text', text }] },
  })
}

function act(socket: Socket, asked: RawRequest): void {
  mostSockets = Math.max(mostSockets, server.sockets.size)
  askedOn.set(asked.json?.id, socket)
  const json = resultOf(asked)
  const name = String(asked.json?.params?.['name'])
  const form = FORMS[name]
  if (form !== undefined) form(socket, json)
  else if (name === 'chunked') socket.write(httpAnswer(json, { framing: 'chunked' }))
  else if (name === 'bytewise') void bytewise(socket, httpAnswer(json, { framing: 'chunked' }))
  else if (name === 'twice') socket.write(Buffer.concat([httpAnswer(json), httpAnswer(json)]))
  else if (name === 'ends') socket.end(httpAnswer(json))
  else if (name === 'closes') socket.end(httpAnswer(json, { headers: { connection: 'close' } }))
  else if (name === 'brief')
    socket.write(httpAnswer(json, { headers: { 'keep-alive': 'timeout=1' } }))
  else if (name === 'held') held.push({ socket, answer: () => socket.write(httpAnswer(json)) })
  else if (name.startsWith('breaks')) writeThenReset(socket, BROKEN[name] ?? '')
  else if (name === 'begins') socket.write(`${HEAD}content-length: 5000\r\n\r\n${json}`)
  else socket.write(httpAnswer(json))
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

const sized = (json: string, head = HEAD): string =>
  `${head}content-length: ${json.length}\r\n\r\n${json}`

const inChunks = (json: string): string => `${json.length.toString(16)}\r\n${json}\r\n0\r\n`

/** Forms that no reader of plain answers knows, and node:http does. */
const FORMS: Readonly<Record<string, (socket: Socket, json: string) => void>> = {
  'HTTP/1.0': (socket, json) => socket.end(`${HEAD.replace('1.1', '1.0')}\r\n${json}`),
  'no length': (socket, json) => socket.end(`${HEAD}connection: close\r\n\r\n${json}`),
  'early hints': (socket, json) =>
    socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${sized(json)}`),
  'no reason': (socket, json) => socket.write(sized(json, HEAD.replace(' OK', ''))),
  'a tab': (socket, json) =>
    socket.write(`${HEAD}Content-Length:\t${json.length}\t\r\n\r\n${json}`),
  'an empty field': (socket, json) => socket.write(sized(json, `${HEAD}x-empty:\r\n`)),
  'a field in Latin': (socket, json) =>
    socket.write(Buffer.from(sized(json, `${HEAD}x-name: caf\u00e9\r\n`), 'latin1')),
  'a list of connection options': (socket, json) =>
    socket.write(sized(json, `${HEAD}connection: x, keep-alive\r\nx: y\r\n`)),
  'a trailer': (socket, json) =>
    socket.write(
      `${HEAD}trailer: x\r\ntransfer-encoding: chunked\r\n\r\n${inChunks(json)}x: y\r\n\r\n`,
    ),
  'a head in two pieces': (socket, json) => {
    socket.write(HEAD)
    setTimeout(() => socket.write(sized(json, '')), 10)
  },
}

const BROKEN: Readonly<Record<string, string>> = {
  'breaks at once': '',
  'breaks in the head': HEAD,
  'breaks in the body': `${HEAD}content-length: 5000\r\n\r\n{"jsonrpc"`,
  'breaks in a size': `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"jso\r\n1`,
  'breaks in a body without length': `${HEAD}\r\n{"jsonrpc"`,
}

async function bytewise(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    socket.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A reset throws away what was not read yet, so it waits until the bytes are on their way. */
function writeThenReset(socket: Socket, bytes: string): void {
  if (bytes === '') socket.resetAndDestroy()
  else socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 20))
}

let calls = 0

/** Calls a tool with an id of its own; one caller after the other. */
async function call(tool: string, name = 'docs'): Promise<Reply & { readonly id: string }> {
  calls += 1
  const id = `call-${calls}`
  const token = tokens[name] ?? callers[calls % callers.length] ?? ''
  const reply = await post(gateway.url(name), callTool(tool, {}, id), { token })
  return { ...reply, id }
}

function assertOwn({ id, status, text }: Reply & { readonly id: string }): void {
  assert.equal(status, 200, text)
  assert.match(text, new RegExp(`"for ${id} only"`))
  assert.equal(text.match(/for call-\d+ only/g)?.length, 1, text)
}

function assertUnavailable({ json, text }: Reply): void {
  assert.equal(json?.error?.code, 1003, text)
  assert.doesNotMatch(text, /only/)
}

for (const form of [...Object.keys(FORMS), 'bytewise']) {
  test(`an answer in an odd form reaches its caller whole: ${form}`, async () => {
    for (let time = 0; time < 2; time += 1) assertOwn(await call(form))
    assertOwn(await call('fine'))
  })
}

for (const broken of Object.keys(BROKEN)) {
  test(`an answer that ${broken} is told as that, once, and is not asked for again`, async () => {
    const sent = server.calls(broken).length
    assertUnavailable(await call(broken))
    assert.equal(server.calls(broken).length, sent + 1)
    assertOwn(await call('fine'))
  })
}

test('a connection is used again after a plain answer, and not when the server says otherwise', async () => {
  const [first, second] = [await call('fine'), await call('chunked')]
  assert.equal(askedOn.get(second.id), askedOn.get(first.id))
  for (const each of [first, second]) assertOwn(each)
  for (const tool of ['a list of connection options', 'closes', 'brief']) {
    const [last, next] = [await call(tool), await call('fine')]
    assert.notEqual(askedOn.get(next.id), askedOn.get(last.id), tool)
    for (const each of [last, next]) assertOwn(each)
  }
})

test('what a server says unasked on an idle connection is heard by nobody', async () => {
  const alice = await call('fine')
  assertOwn(alice)
  const socket = askedOn.get(alice.id)!
  const again = JSON.stringify({ jsonrpc: '2.0', id: 'call-0', result: { text: 'for alice only' } })
  socket.write(httpAnswer(again))
  // Whoever asks next asks elsewhere: that connection is closed as soon as something is read from it.
  await eventually(() => assert.ok(!server.sockets.has(socket)))
  const bob = await call('fine')
  assertOwn(bob)
  assert.doesNotMatch(bob.text, /alice/)

  const carol = await call('twice')
  assertOwn(carol)
  const dave = await call('fine')
  assertOwn(dave)
  assert.notEqual(askedOn.get(dave.id), askedOn.get(carol.id))
})

test('a connection that the server closes as the next call comes costs that call at most', async () => {
  for (let round = 0; round < 20; round += 1) {
    assertOwn(await call('ends'))
    const next = await call('fine')
    if (next.json?.error === undefined) assertOwn(next)
    else assertUnavailable(next)
  }
  await eventually(async () => assertOwn(await call('fine')))
})

test('three hundred calls at a time over four connections each get their own answer', async () => {
  const askAll = async (tools: readonly string[]): Promise<void> => {
    const asked = Array.from({ length: 300 }, (_, at) => call(tools[at % tools.length] ?? ''))
    for (const reply of await Promise.all(asked)) assertOwn(reply)
  }
  mostSockets = 0
  await askAll(['fine', 'chunked'])
  assert.equal(mostSockets, CONNECTIONS)
  await askAll(['fine', 'chunked', 'an empty field', 'closes', 'fine'])
})

test('nobody listens, or nobody accepts: the caller is told in time', async () => {
  assertUnavailable(await call('fine', 'down'))
  const started = performance.now()
  assertUnavailable(await call('fine', 'full'))
  assert.ok(performance.now() - started >= CONNECT_MS)
  const details = (await gateway.audit()).map(({ detail }) => detail)
  for (const detail of ['ECONNREFUSED', 'CONNECT_TIMEOUT']) assert.ok(details.includes(detail))
})

/** A call whose caller can leave. */
function callToLeave(tool: string): { readonly leave: () => void } {
  const leave = new AbortController()
  const { body, headers } = modern('tools/call', { name: tool, arguments: {} })
  const asked = fetch(gateway.url('docs'), {
    method: 'POST',
    signal: leave.signal,
    headers: {
      ...headers,
      authorization: `Bearer ${callers[0]}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
  })
  asked.catch(() => undefined)
  return { leave: () => leave.abort() }
}

test('a caller that leaves while its call waits for a connection is never asked for', async () => {
  const busy = Array.from({ length: CONNECTIONS }, () => call('held'))
  await eventually(() => assert.equal(held.length, CONNECTIONS))
  const { leave } = callToLeave('departed')
  await eventually(async () =>
    assert.ok(
      (await gateway.audit()).some(
        ({ type, targets }) => type === 'decision' && /departed/.test(JSON.stringify(targets)),
      ),
    ),
  )
  leave()
  await eventually(async () =>
    assert.ok(
      (await gateway.audit()).some(
        ({ type, targets }) => type === 'outcome' && /departed/.test(JSON.stringify(targets)),
      ),
    ),
  )
  const patient = call('fine')
  for (const { answer } of held.splice(0)) answer()
  for (const reply of await Promise.all([...busy, patient])) assertOwn(reply)
  assert.equal(server.calls('departed').length, 0)
})

for (const [when, tool] of [
  ['while nothing of its answer has come', 'held'],
  ['in the middle of its answer', 'begins'],
] as const) {
  test(`a caller that leaves ${when} takes its connection along, and nobody gets the rest`, async () => {
    const sent = server.calls(tool).length
    const { leave } = callToLeave(tool)
    await eventually(() => assert.equal(server.calls(tool).length, sent + 1))
    const socket = askedOn.get(1)!
    leave()
    await eventually(() => assert.ok(!server.sockets.has(socket)))
    for (const { answer } of held.splice(0)) answer()
    assertOwn(await call('fine'))
  })
}

test('no fault was logged', () => {
  assert.doesNotMatch(gateway.child.output(), /"fault"|"level":"error"/)
})
