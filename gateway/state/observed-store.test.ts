import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStoreContract } from './contract.ts'
import { createMemoryStore } from './memory.ts'
import { observeStore } from './observed-store.ts'

testStoreContract('observed', async (clock) =>
  observeStore(
    createMemoryStore({ now: () => clock.nowMs }),
    () => 0,
    () => undefined,
  ),
)

test('every operation is told once, with how it ended and how long it took', async () => {
  let tick = 0
  const told: unknown[] = []
  const store = observeStore(
    createMemoryStore({ now: () => 0, maxEntries: 1 }),
    () => (tick += 5),
    (...args) => told.push(args),
  )
  await store.put('a', 'value')
  await assert.rejects(store.put('b', 'value'))
  await store.get('a')
  assert.deepEqual(told, [
    ['put', 'ok', 5],
    ['put', 'full', 5],
    ['get', 'ok', 5],
  ])
})
