import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStoreContract } from './contract.ts'
import { storeError } from './contract-rule.ts'
import { createMemoryStore } from './memory.ts'
import { carryOut, createRelayedStore } from './relayed-store.ts'

const alone = async (): Promise<void> => undefined

testStoreContract('relayed', async (clock) => {
  const held = createMemoryStore({ now: () => clock.nowMs })
  const { store } = createRelayedStore({
    // As between processes nothing but copies arrives.
    ask: async (operation) => structuredClone(await carryOut(held, structuredClone(operation))),
    announce: alone,
  })
  return store
})

test('what goes wrong where the data is keeps its name, and what goes wrong on the way has one', async () => {
  const full = createMemoryStore({ now: () => 0, maxEntries: 1 })
  const { store } = createRelayedStore({
    ask: (operation) => carryOut(full, structuredClone(operation)),
    announce: alone,
  })
  await store.put('a', 'value')
  await assert.rejects(store.put('b', 'value'), storeError('full'))
  for (const [thrown, code] of [
    [Object.assign(new Error('gone'), { code: 'away' }), 'away'],
    [Object.assign(new Error('odd'), { code: 'ENOENT' }), 'failed'],
    [new Error('odd'), 'failed'],
  ] as const) {
    const { store: broken } = createRelayedStore({
      ask: () => Promise.reject(thrown),
      announce: alone,
    })
    await assert.rejects(broken.get('a'), storeError(code))
  }
})

test('a message reaches the subscribers here and is announced, and one of another process only is heard', async () => {
  const announced: string[] = []
  const heard: string[] = []
  const { store, tell } = createRelayedStore({
    ask: () => Promise.reject(new Error('not asked')),
    announce: async (topic, message) => void announced.push(`${topic} ${message}`),
  })
  store.subscribe('news', (message) => heard.push(message))
  await store.publish('news', 'one')
  tell('news', 'two')
  assert.deepEqual([heard, announced], [['one', 'two'], ['news one']])
})
