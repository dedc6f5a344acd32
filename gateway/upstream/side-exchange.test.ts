import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import { Refusal } from '../model/refusal.ts'
import { SideExchange } from './side-exchange.ts'

/** An exchange, the answer it will get, and what happened. */
function openExchange() {
  const events: string[] = []
  const clock = { tick: 0 }
  const exchange = new SideExchange({
    server: 'docs',
    limits: { headersMs: 300, idleMs: 200 },
    tick: () => clock.tick,
    onDone: () => void events.push('done'),
  })
  exchange.cancel = () => void events.push('cancelled')
  const response = new IncomingMessage(new Socket())
  response.statusCode = 200
  response.headers = { 'content-type': 'text/plain' }
  const listen = (accepts = true): void =>
    exchange.pipe({
      write: (chunk) => {
        events.push(Buffer.from(chunk).toString())
        return accepts
      },
      end: () => void events.push('end'),
      fail: (error) => void events.push(`failed: ${error instanceof Refusal ? error.code : ''}`),
    })
  return { exchange, response, events, clock, listen }
}

test('an answer flows once it is listened to, and is over at its end', async () => {
  const { exchange, response, events, listen } = openExchange()
  exchange.begin(response)
  const { status, contentType } = await exchange.answer
  assert.deepEqual([status, contentType], [200, 'text/plain'])
  response.push('a')
  await turn()
  assert.deepEqual(events, [])
  listen()
  response.push('b')
  response.push(null)
  await turn()
  assert.deepEqual(events, ['a', 'b', 'done', 'end'])
  response.emit('close')
  assert.deepEqual(events.length, 4)
})

test('an answer that breaks off fails, with an error or without one', async () => {
  for (const breakOff of [
    (response: IncomingMessage) => response.emit('close'),
    (response: IncomingMessage) => response.emit('error', new Error('reset')),
  ]) {
    const { exchange, response, events, listen } = openExchange()
    exchange.begin(response)
    await exchange.answer
    listen()
    response.push('a')
    await turn()
    breakOff(response)
    assert.deepEqual(events, ['a', 'done', 'cancelled', 'failed: upstream_unavailable'])
  }
})

test('one that broke off before it was listened to fails then', async () => {
  const { exchange, response, events, listen } = openExchange()
  exchange.begin(response)
  await exchange.answer
  response.emit('close')
  listen()
  assert.deepEqual(events, ['done', 'cancelled', 'failed: upstream_unavailable'])
})

test('a head that never comes, and silence in the middle, have deadlines of their own', async () => {
  const { exchange, response, clock, listen } = openExchange()
  assert.equal(exchange.deadlineTick, 300)
  clock.tick = 250
  exchange.begin(response)
  await exchange.answer
  assert.equal(exchange.deadlineTick, 450)
  clock.tick = 400
  listen()
  response.push('a')
  await turn()
  assert.equal(exchange.deadlineTick, 600)
})

test('a server that is told to wait is not silent', async () => {
  const { exchange, response, clock, listen } = openExchange()
  exchange.begin(response)
  await exchange.answer
  listen(false)
  response.push('a')
  await turn()
  assert.equal(exchange.deadlineTick, Infinity)
  assert.ok(response.isPaused())
  clock.tick = 5_000
  exchange.resume()
  assert.equal(exchange.deadlineTick, 5_200)
})

test('a client that leaves gives the request up, before its answer and in the middle of it', async () => {
  const early = openExchange()
  early.exchange.clientGone()
  await assert.rejects(early.exchange.answer, { code: 'upstream_unavailable' })
  assert.deepEqual(early.events, ['done', 'cancelled'])
  early.exchange.begin(early.response)
  assert.ok(early.response.destroyed)
  const late = openExchange()
  late.exchange.begin(late.response)
  await late.exchange.answer
  late.exchange.clientGone()
  assert.ok(late.response.destroyed)
  assert.deepEqual(late.events, ['done', 'cancelled'])
})
