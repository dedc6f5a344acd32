import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { createDeviceCodes, tooManyCodes } from './device-codes.ts'

const MOST = 60

function trying() {
  const { clock, store } = memoryStore()
  const codes = createDeviceCodes(store)
  /** A code is tried, and answered so. */
  const attempt = async (statusCode: number, address = '192.0.2.1'): Promise<boolean> => {
    const response = Object.assign(new EventEmitter(), { statusCode })
    const may = await codes.mayTry(address, response as never)
    response.emit('close')
    // What is given back is in the store a little later.
    await store.count('another', 0, 1_000)
    return may
  }
  return { clock, attempt }
}

test('Right codes are free, however many people are behind one address', async () => {
  const { attempt } = trying()
  for (let at = 0; at < 3 * MOST; at += 1) assert.ok(await attempt(at % 2 === 0 ? 200 : 303))
})

test('So many wrong codes may be tried from one network, then none, and another is not kept from it', async () => {
  const { clock, attempt } = trying()
  for (let at = 0; at < MOST; at += 1) assert.ok(await attempt(400))
  assert.equal(await attempt(200), false)
  assert.ok(await attempt(200, '192.0.2.2'))
  clock.nowMs += 15 * 60_000
  assert.ok(await attempt(200))
})

test('Of many codes at once no more are looked at', async () => {
  const { attempt } = trying()
  const may = await Promise.all(Array.from({ length: 2 * MOST }, () => attempt(400)))
  assert.equal(may.filter(Boolean).length, MOST)
})

test('Whoever tried too many is told when to come back', () => {
  const { status, headers } = tooManyCodes()
  assert.equal(status, 429)
  assert.equal(headers[headers.indexOf('retry-after') + 1], '900')
})
