import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testCaller } from '../testkit/pipeline.ts'
import { createInFlight } from './in-flight.ts'

const shedsStreams = (): boolean => false

test('a call above the bound is refused, whatever token it comes with, and one of another party is not', () => {
  const inFlight = createInFlight({ call: 2, stream: 2, shedsStreams })
  for (const tokenId of ['a', 'b']) inFlight.take(testCaller({ tokenId }), 'call')
  assert.throws(() => inFlight.take(testCaller({ tokenId: 'c' }), 'call'), {
    code: 'rate_limited',
  })
  for (const other of ['tenant', 'issuer', 'subject', 'client']) {
    inFlight.take(testCaller({ [other]: 'another' }), 'call')
  }
})

test('a place given back is free again, and a refusal takes none', () => {
  const inFlight = createInFlight({ call: 1, stream: 1, shedsStreams })
  const caller = testCaller()
  inFlight.take(caller, 'call')
  for (let at = 0; at < 3; at++) assert.throws(() => inFlight.take(caller, 'call'))
  inFlight.giveBack(caller, 'call')
  inFlight.take(caller, 'call')
})

test('streams and calls have bounds of their own', () => {
  const inFlight = createInFlight({ call: 1, stream: 1, shedsStreams })
  const caller = testCaller()
  inFlight.take(caller, 'call')
  inFlight.take(caller, 'stream')
  assert.throws(() => inFlight.take(caller, 'stream'))
  inFlight.giveBack(caller, 'call')
  assert.throws(() => inFlight.take(caller, 'stream'))
  inFlight.take(caller, 'call')
})

test('a refused caller is told when to come again', () => {
  const inFlight = createInFlight({ call: 0, stream: 0, shedsStreams })
  assert.throws(
    () => inFlight.take(testCaller(), 'call'),
    (error: { extra: unknown }) => {
      assert.deepEqual(error.extra, { detail: '0 calls open', retryAfterSeconds: 1 })
      return true
    },
  )
})

test('parties that have nothing open are forgotten, and those that have something are not', () => {
  const inFlight = createInFlight({ call: 1, stream: 1, shedsStreams })
  const busy = testCaller({ subject: 'busy' })
  inFlight.take(busy, 'call')
  for (let at = 0; at < 25_000; at++) {
    const caller = testCaller({ subject: `agent-${at}` })
    inFlight.take(caller, 'call')
    inFlight.giveBack(caller, 'call')
  }
  assert.ok(inFlight.remembered <= 10_002, `${inFlight.remembered}`)
  assert.throws(() => inFlight.take(busy, 'call'))
})

test('while streams are turned away calls are not, and what is open stays', () => {
  let sheds = false
  const inFlight = createInFlight({ call: 9, stream: 9, shedsStreams: () => sheds })
  const caller = testCaller()
  inFlight.take(caller, 'stream')
  sheds = true
  assert.throws(
    () => inFlight.take(caller, 'stream'),
    (error: { code: string; extra: { retryAfterSeconds: number } }) =>
      error.code === 'overloaded' && error.extra.retryAfterSeconds > 0,
  )
  inFlight.take(caller, 'call')
  inFlight.giveBack(caller, 'stream')
})
