import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeError } from './contract-rule.ts'
import { testStoreContract } from './contract.ts'
import { createMemoryStore } from './memory.ts'

testStoreContract('memory', async (clock) => createMemoryStore({ now: () => clock.nowMs }))

test('a memory store refuses the entry above its maximum and takes it once there is room', async () => {
  let nowMs = 0
  const store = createMemoryStore({ now: () => nowMs, maxEntries: 3 })
  await store.put('a', 'value', { ttlMs: 10 })
  await store.lease('b', 'holder', 1000)
  await store.count('c', 1, 1000)
  const full = storeError('full')
  await assert.rejects(store.put('d', 'value'), full)
  await assert.rejects(store.cas('d', 0, 'value'), full)
  await assert.rejects(store.lease('d', 'holder', 1000), full)
  await assert.rejects(store.count('d', 1, 1000), full)
  await store.put('a', 'replaced', { ttlMs: 10 })
  assert.equal(await store.lease('b', 'holder', 1000), true)
  assert.equal(await store.count('c', 1, 1000), 2)
  nowMs = 10
  await store.sweep()
  await store.put('d', 'value')
})

test('a memory store refuses the character above its maximum, counting keys and values', async () => {
  let nowMs = 0
  const store = createMemoryStore({ now: () => nowMs, maxChars: 20 })
  const full = storeError('full')
  await store.put('key', '1234567') // 10
  await store.put('other', '12345', { ttlMs: 10 }) // 20
  await assert.rejects(store.put('key', '12345678'), full)
  assert.equal((await store.get('key'))?.value, '1234567')
  nowMs = 10
  await store.sweep()
  await store.put('key', '12345678901234567')
  await assert.rejects(store.put('k', ''), full)
  await store.delete('key')
  await store.put('again', '123456789012345')
})
