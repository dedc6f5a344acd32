import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Queue } from './queue.ts'

type Numbered = { readonly at: number }

test('items are taken in the order in which they were added, whenever that was', () => {
  const queue = new Queue<Numbered>()
  const taken: number[] = []
  let added = 0
  for (let round = 0; round < 5_000; round += 1) {
    for (let more = 0; more < (round < 3_000 ? 3 : 1); more += 1) queue.add({ at: added++ })
    for (let less = 0; less < 2; less += 1) taken.push(queue.take()?.at ?? -1)
    assert.equal(queue.size, added - taken.length)
    assert.equal(queue.first?.at, queue.size === 0 ? undefined : taken.length)
  }
  while (queue.size > 0) taken.push(queue.take()?.at ?? -1)
  assert.deepEqual(
    taken,
    Array.from({ length: added }, (_, at) => at),
  )
  assert.equal(queue.take(), undefined)
})

test('nothing is left of a queue that was cleared', () => {
  const queue = new Queue<Numbered>()
  queue.add({ at: 1 })
  queue.clear()
  assert.deepEqual([queue.size, queue.first, queue.take()], [0, undefined, undefined])
})

test('two hundred thousand are taken in less than a second of processor time', () => {
  const queue = new Queue<Numbered>()
  for (let at = 0; at < 200_000; at += 1) queue.add({ at })
  const before = process.cpuUsage()
  while (queue.size > 0) queue.take()
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 1_000_000, `${user + system} µs`)
})
