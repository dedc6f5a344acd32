import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { GatehouseEvent } from '../model/event.ts'
import { Refusal } from '../model/refusal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { testCaller, testSeat, testServer } from '../testkit/pipeline.ts'
import { MAX_ENDPOINT_CHARS, openEndpoint, readEndpoint, showEndpoint } from './endpoint.ts'
import type { Seated } from './visit.ts'

const UPSTREAM = { origin: 'http://up.test:8000', path: '/base/sse?k=1' }
const ALICE = testCaller({ subject: 'alice' })

/** A server at `/gw/mcp` that speaks HTTP+SSE. */
const SERVER = testServer({
  path: '/gw/mcp',
  upstream: { ...testServer().upstream, ...UPSTREAM, transport: 'sse' },
})

function seat(httpMethod: string, target = SERVER.path, server = SERVER): Seated {
  return Object.assign(testSeat({ server }), {
    httpMethod,
    target,
    endpoint: undefined,
  }) as unknown as Seated
}

function desk() {
  const events: GatehouseEvent[] = []
  const emit = (event: GatehouseEvent): void => void events.push(event)
  return { seals: createSeals([temporaryKey()]), emit, events }
}

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error.code
  }
  return 'passed'
}

const FINE = [
  ['/messages', '/messages'],
  ['/messages?sessionId=a%20b&x=1', '/messages?sessionId=a%20b&x=1'],
  ['messages?s=1', '/base/messages?s=1'],
  ['?s=1', '/base/sse?s=1'],
  ['../messages/../m', '/m'],
  ['http://up.test:8000/messages?s=1', '/messages?s=1'],
  ['HTTP://UP.test:8000/messages', '/messages'],
  ['//up.test:8000/messages', '/messages'],
  ['/messages?s=1#part', '/messages?s=1'],
] as const

for (const [text, path] of FINE) {
  test(`the endpoint ${text} is where a client would find it`, () => {
    assert.deepEqual(readEndpoint(text, UPSTREAM), { ok: true, path })
  })
}

const ODD = [
  ['at another host', 'http://evil.test:8000/messages'],
  ['at another port', 'http://up.test:8001/messages'],
  ['with another scheme', 'https://up.test:8000/messages'],
  ['that is protocol-relative to another host', '//evil.test/messages'],
  ['with backslashes for slashes', '\\\\evil.test/messages'],
  ['with a slash and a backslash', '/\\evil.test/messages'],
  ['with a user name', 'http://up.test:8000@evil.test/'],
  ['with a user name at its own host', 'http://me:pw@up.test:8000/messages'],
  ['with a user name alone at its own host', 'http://me@up.test:8000/messages'],
  ['that is a script', 'javascript:alert(1)'],
  ['that is no URL', 'http://'],
  ['with a line feed', '/messages\n?s=1'],
  ['with a carriage return', '/messages\r?s=1'],
  ['with a tab in its scheme', 'ht\ttp://evil.test/'],
  ['with a blank', '/messages 1'],
  ['with a NUL', '/messages\0'],
  ['that is not ASCII', '/messages/é'],
  ['that is empty', ''],
  ['that is too long', `/${'a'.repeat(MAX_ENDPOINT_CHARS)}`],
  ['that is too long once resolved', `/${'"'.repeat(MAX_ENDPOINT_CHARS - 1)}`],
] as const

for (const [which, text] of ODD) {
  test(`an endpoint ${which} is refused, and the operator told`, () => {
    assert.equal(readEndpoint(text, UPSTREAM).ok, false)
    const [own, visit] = [desk(), seat('GET')]
    const show = (): string => showEndpoint(text, { seat: visit, caller: ALICE }, own)
    assert.equal(codeOf(show), 'upstream_unavailable')
    assert.equal(visit.endpoint, undefined)
    const [event] = own.events
    assert.equal(event?.type === 'warning' && event.what, 'endpoint_refused')
  })
}

test('what a client hears is our own path, and its POST there goes to the endpoint', () => {
  const [own, stream] = [desk(), seat('GET')]
  const shown = showEndpoint('/m?sessionId=abc', { seat: stream, caller: ALICE }, own)
  assert.match(shown, /^\/gw\/mcp\?endpoint=[A-Za-z0-9_-]+$/)
  assert.doesNotMatch(shown, /abc/)
  assert.equal(stream.endpoint, '/m?sessionId=abc')
  const post = seat('POST', shown)
  openEndpoint(post, ALICE, own)
  assert.equal(post.endpoint, '/m?sessionId=abc')
})

test('a handle is for one issuer, subject, client, server and origin, and unknown to all others', () => {
  const own = desk()
  const shown = showEndpoint('/m', { seat: seat('GET'), caller: ALICE }, own)
  const others = [
    testCaller({ subject: 'bob' }),
    testCaller({ subject: 'alice', client: 'other' }),
    testCaller({ subject: 'alice', issuer: 'http://other.test' }),
  ]
  for (const other of others) {
    assert.equal(
      codeOf(() => openEndpoint(seat('POST', shown), other, own)),
      'not_found',
    )
  }
  const servers = [
    { ...SERVER, name: 'other' },
    { ...SERVER, upstream: { ...SERVER.upstream, origin: 'http://up.test:9000' } },
  ]
  for (const server of servers) {
    assert.equal(
      codeOf(() => openEndpoint(seat('POST', shown, server), ALICE, own)),
      'not_found',
    )
  }
})

test('a handle that was changed, made up, doubled or sealed under other keys is unknown', () => {
  const own = desk()
  const shown = showEndpoint('/m', { seat: seat('GET'), caller: ALICE }, own)
  const changed = shown.slice(0, -1) + (shown.endsWith('A') ? 'B' : 'A')
  const elsewhere = showEndpoint('/m', { seat: seat('GET'), caller: ALICE }, desk())
  const odd = [changed, elsewhere, '/gw/mcp?endpoint=', '/gw/mcp?endpoint=/m', `${shown}&a=b`]
  for (const target of odd) {
    assert.equal(
      codeOf(() => openEndpoint(seat('POST', target), ALICE, own)),
      'not_found',
      target,
    )
  }
})

test('without a handle there is nothing to POST to or to DELETE, and a GET opens the stream', () => {
  const own = desk()
  for (const [method, target] of [
    ['POST', '/gw/mcp'],
    ['POST', '/gw/mcp?sessionId=1'],
    ['DELETE', '/gw/mcp'],
  ] as const) {
    assert.equal(
      codeOf(() => openEndpoint(seat(method, target), ALICE, own)),
      'method_not_allowed',
    )
  }
  const stream = seat('GET')
  openEndpoint(stream, ALICE, own)
  assert.equal(stream.endpoint, undefined)
})

test('a server of Streamable HTTP takes any POST, and its endpoint event is refused', () => {
  const own = desk()
  const http = testServer()
  const post = seat('POST', '/mcp?endpoint=x', http)
  openEndpoint(post, ALICE, own)
  assert.equal(post.endpoint, undefined)
  const show = (): string =>
    showEndpoint('/m', { seat: seat('GET', '/mcp', http), caller: ALICE }, own)
  assert.equal(codeOf(show), 'upstream_unavailable')
})
