import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Outbox, SLICE_BYTES } from './outbox.ts'

/** An outbox whose reader takes what `ready` says, and what was written to it. */
function outboxTo(ready: () => boolean): { outbox: Outbox; written: Uint8Array[] } {
  const written: Uint8Array[] = []
  const outbox = new Outbox({
    write: (slice) => {
      written.push(slice)
      return ready()
    },
  })
  return { outbox, written }
}

test('what fits into one slice is written as it is', () => {
  const { outbox, written } = outboxTo(() => true)
  const chunk = Buffer.alloc(SLICE_BYTES)
  assert.equal(outbox.push(chunk), true)
  assert.deepEqual([written.length, written[0]?.length, outbox.empty], [1, SLICE_BYTES, true])
})

test('a large chunk goes out slice by slice, each after the one before is through', () => {
  const { outbox, written } = outboxTo(() => false)
  const chunk = Buffer.from(Array.from({ length: 3 * SLICE_BYTES + 5 }, (_, at) => at % 251))
  assert.equal(outbox.push(chunk), false)
  for (let slices = 1; slices <= 4; slices++) {
    assert.equal(written.length, slices)
    assert.equal(outbox.empty, slices === 4)
    assert.equal(outbox.resume(), slices === 4)
  }
  assert.deepEqual(Buffer.concat(written), chunk)
})

test('nothing is written while the reader is behind, and the order is kept', () => {
  const { outbox, written } = outboxTo(() => false)
  for (const text of ['one', 'two', 'three']) assert.equal(outbox.push(Buffer.from(text)), false)
  assert.equal(written.length, 1)
  assert.equal(outbox.resume(), false)
  assert.equal(outbox.resume(), false)
  assert.equal(outbox.resume(), true)
  assert.equal(Buffer.concat(written).toString(), 'onetwothree')
})

test('very many small chunks that wait cost no more for being many', () => {
  let isReady = false
  const { outbox, written } = outboxTo(() => isReady)
  for (let at = 0; at < 200_000; at += 1) outbox.push(Buffer.from('a'))
  isReady = true
  const before = process.cpuUsage()
  assert.equal(outbox.resume(), true)
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 2_000_000, `${user + system} µs`)
  assert.equal(Buffer.concat(written).length, 200_000)
})

test('an empty chunk is written and does not hold up what follows', () => {
  const { outbox, written } = outboxTo(() => true)
  assert.equal(outbox.push(new Uint8Array()), true)
  assert.equal(outbox.push(Buffer.from('a')), true)
  assert.equal(Buffer.concat(written).toString(), 'a')
})
