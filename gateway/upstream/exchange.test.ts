import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Controller } from '../egress/pool.ts'
import { Exchange } from './exchange.ts'

/** An exchange, and what happened to it. */
function openExchange(whenGone: 'abort' | 'drain' = 'drain') {
  const events: string[] = []
  const exchange = new Exchange({
    server: 'docs',
    collect: { maxBytes: 100, above: 'stream', events: 'flow' },
    whenGone,
    deadlineTick: 1_000,
    bodyBytes: 7,
  })
  exchange.onDone = () => void events.push('done')
  exchange.onDequeued = ({ bodyBytes }) => void events.push(`dequeued ${bodyBytes}`)
  const controller = {
    pause: () => undefined,
    resume: () => undefined,
    abort: (reason: Error) => void events.push(`cut: ${reason.message}`),
  } as unknown as Controller
  return { exchange, controller, events }
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
