import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { GatehouseEvent } from '../model/event.ts'
import { createLoadWatch } from './load-watch.ts'
import { openResources } from './resources.ts'

test('what is used is known, and acted on, in the turn of the event loop that looks', () => {
  const events: GatehouseEvent[] = []
  let loopDelayMs = 5_000
  const look = () => ({ loopDelayMs, heap: 0, memory: 0, descriptors: 0 })
  const watch = createLoadWatch({ look, close: () => undefined }, (event) => events.push(event))
  watch.look()
  assert.equal(watch.pressure.sheds, 'nothing')
  watch.look()
  assert.equal(watch.pressure.sheds, 'everything')
  loopDelayMs = 0
  watch.look()
  assert.equal(watch.pressure.sheds, 'nothing')
  const told = events.map((event) => (event.type === 'warning' ? event.what : event.type))
  assert.deepEqual(told, ['shedding', 'shedding_ended'])
})

test('this process uses some of its heap and its descriptors, and not all', () => {
  const resources = openResources(1)
  const { heap, descriptors } = resources.look()
  resources.close()
  assert.ok(heap > 0 && heap < 1, `${heap}`)
  const isWatched = process.platform === 'linux'
  assert.ok(isWatched ? descriptors > 0 && descriptors < 1 : descriptors === 0, `${descriptors}`)
})
