import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createInFlight } from '../limits/in-flight.ts'
import { testCaller, testJourney, testServer } from '../testkit/pipeline.ts'
import { emptyHead } from './admit.ts'
import type { Desk } from './desk.ts'
import { handle } from './handle.ts'
import { buildRoutes } from './route.ts'
import type { Outgoing, Visit } from './visit.ts'

const HEADERS = ['Host', '127.0.0.1:8787', 'Content-Type', 'application/json']

/** A visit to the server `docs`, what was answered, and whether its body was asked for. */
function visitBy(httpMethod: string) {
  const seen: { bodies: number; replies: Outgoing[] } = { bodies: 0, replies: [] }
  const visit: Visit = {
    journey: testJourney(),
    httpMethod,
    httpVersion: '1.1',
    target: '/mcp',
    rawHeaders: HEADERS,
    body: () => {
      seen.bodies += 1
      return new Promise(() => undefined)
    },
    gone: false,
    exchange: undefined,
    head: emptyHead(),
    server: undefined,
    endpoint: undefined,
    occupies: undefined,
    reply: async (outgoing) => void seen.replies.push(outgoing),
  }
  return { visit, seen }
}

function deskWith(bounds: { readonly call: number; readonly stream: number }) {
  const inFlight = createInFlight({ ...bounds, shedsStreams: () => false })
  const desk = {
    routes: buildRoutes([testServer()], []),
    inFlight,
    identify: () => testCaller(),
    tick: () => 0,
    newId: () => 'call',
    parseTrace: () => undefined,
    startTrace: () => undefined,
    metadataUrl: () => '',
    finish: () => undefined,
  } as unknown as Desk
  return { desk, inFlight }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a call above the caller’s bound is refused before its body is read', async () => {
  const { desk } = deskWith({ call: 1, stream: 1 })
  const [first, second] = [visitBy('POST'), visitBy('POST')]
  void handle(first.visit, desk)
  await turn()
  assert.equal(first.seen.bodies, 1)
  assert.equal(first.visit.occupies?.occupation, 'call')
  await handle(second.visit, desk)
  assert.equal(second.seen.bodies, 0)
  assert.equal(second.visit.journey.refusal, 'rate_limited')
  assert.equal(second.visit.occupies, undefined)
  const [{ status, headers } = { status: 0, headers: [''] }] = second.seen.replies
  assert.deepEqual([status, headers.includes('retry-after')], [429, true])
})

test('a stream takes a place among streams, and every other method one among calls', async () => {
  for (const [method, occupation] of [
    ['GET', 'stream'],
    ['POST', 'call'],
    ['DELETE', 'call'],
  ] as const) {
    const { desk, inFlight } = deskWith({ call: 1, stream: 1 })
    const { visit } = visitBy(method)
    void handle(visit, desk)
    await turn()
    assert.equal(visit.occupies?.occupation, occupation, method)
    assert.throws(() => inFlight.take(testCaller(), occupation), { code: 'rate_limited' })
    inFlight.take(testCaller(), occupation === 'call' ? 'stream' : 'call')
  }
})
