import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Controller } from '../egress/dispatch.ts'
import { Exchange } from './exchange.ts'

/** An exchange, and what happened to it. */
function openExchange(whenGone: 'abort' | 'drain' = 'drain') {
  const events: string[] = []
  const clock = { tick: 0 }
  const exchange = new Exchange({
    server: 'docs',
    collect: { maxBytes: 100, above: 'stream', events: 'flow' },
    whenGone,
    limits: { headersMs: 300, idleMs: 200, totalMs: 1_000 },
    tick: () => clock.tick,
    bodyBytes: 7,
  })
  exchange.onDone = () => void events.push('done')
  exchange.onDequeued = ({ bodyBytes }) => void events.push(`dequeued ${bodyBytes}`)
  const controller = {
    pause: () => undefined,
    resume: () => undefined,
    abort: (reason: Error) => void events.push(`cut: ${reason.message}`),
  } as unknown as Controller
  return { exchange, controller, events, clock }
}

test('an exchange whose client leaves while it waits is over, and waits on until its turn', async () => {
  const { exchange, controller, events } = openExchange()
  const answer = assert.rejects(exchange.answer, { code: 'upstream_unavailable' })
  exchange.clientGone()
  await answer
  assert.deepEqual(events, ['done'])
  exchange.onRequestStart(controller)
  exchange.onResponseError(controller, new Error('aborted'))
  assert.deepEqual(events, ['done', 'dequeued 7', 'cut: The server is not available'])
})

test('an exchange that is sent waits no more, told once', async () => {
  const { exchange, controller, events } = openExchange()
  exchange.onRequestStart(controller)
  exchange.onResponseStart(controller, 200, { 'content-type': 'application/json' })
  exchange.onResponseData(controller, Buffer.from('{}'))
  exchange.onResponseEnd()
  assert.deepEqual((await exchange.answer).body, { kind: 'whole', bytes: Buffer.from('{}') })
  assert.deepEqual(events, ['dequeued 7', 'done'])
})

test('an exchange that finds no connection waits no more', async () => {
  const { exchange, controller, events } = openExchange()
  const answer = assert.rejects(exchange.answer, { code: 'upstream_unavailable' })
  exchange.onResponseError(controller, new Error('ECONNREFUSED'))
  await answer
  assert.deepEqual(events, ['dequeued 7', 'done'])
})

test('an exchange is cut with an error whatever the reason is', async () => {
  const { exchange, controller, events } = openExchange()
  exchange.onRequestStart(controller)
  exchange.abort('a word')
  await assert.rejects(exchange.answer, (reason) => reason === 'a word')
  assert.deepEqual(events, ['dequeued 7', 'cut: aborted', 'done'])
})

const JSON_HEAD = { 'content-type': 'application/json' }
const EVENTS_HEAD = { 'content-type': 'text/event-stream' }

test('a call that waits for its connection has its whole time, and from then on that of the headers', () => {
  const { exchange, controller, clock } = openExchange()
  assert.equal(exchange.deadlineTick, 1_000)
  clock.tick = 500
  exchange.onRequestStart(controller)
  assert.equal(exchange.deadlineTick, 800)
  clock.tick = 900
  exchange.onResponseStart(controller, 100, {})
  assert.equal(exchange.deadlineTick, 800)
})

test('a server that falls silent in its answer has until it is idle, and never longer than all in all', () => {
  const { exchange, controller, clock } = openExchange()
  exchange.onRequestStart(controller)
  clock.tick = 100
  exchange.onResponseStart(controller, 200, JSON_HEAD)
  assert.equal(exchange.deadlineTick, 300)
  clock.tick = 290
  exchange.onResponseData(controller, Buffer.from('{'))
  assert.equal(exchange.deadlineTick, 490)
  clock.tick = 950
  exchange.onResponseData(controller, Buffer.from('}'))
  assert.equal(exchange.deadlineTick, 1_000)
})

test('a stream may last, be silent while its reader is slow, and not when it is listened to', () => {
  const { exchange, controller, clock } = openExchange()
  let ready = true
  exchange.onRequestStart(controller)
  exchange.onResponseStart(controller, 200, EVENTS_HEAD)
  assert.equal(exchange.deadlineTick, Infinity)
  clock.tick = 5_000
  exchange.pipe({ write: () => ready, end: () => undefined, fail: () => undefined })
  assert.equal(exchange.deadlineTick, 5_200)
  ready = false
  clock.tick = 5_100
  exchange.onResponseData(controller, Buffer.from(':\n'))
  assert.equal(exchange.deadlineTick, Infinity)
  clock.tick = 9_000
  exchange.resume()
  assert.equal(exchange.deadlineTick, 9_200)
})
