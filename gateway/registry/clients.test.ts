import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createMemoryStore } from '../state/memory.ts'
import type { RegisteredClient } from './clients.ts'
import { createClients } from './clients.ts'

const HOUR_MS = 3_600_000

function setup() {
  const clock = { nowMs: 1_700_000_000_000 }
  const store = createMemoryStore({ now: () => clock.nowMs })
  const clients = createClients({ store, now: () => clock.nowMs })
  const client = (id: string, parts: Partial<RegisteredClient> = {}): RegisteredClient => ({
    id,
    name: 'Agent',
    kind: 'agent',
    token: undefined,
    address: '127.0.0.1',
    registeredAtMs: clock.nowMs,
    usedAtMs: clock.nowMs,
    idleMs: HOUR_MS,
    rows: [],
    ...parts,
  })
  return { clock, store, clients, client }
}

test('A client that nobody uses is gone after its idle time, with its rows, and is told once', async () => {
  const { clock, store, clients, client } = setup()
  await store.put('row', 'x', { ttlMs: HOUR_MS })
  await clients.add(client('c1', { rows: ['row'] }))
  assert.deepEqual(await clients.sweep(), [])
  clock.nowMs += HOUR_MS
  assert.equal(await clients.get('c1'), undefined)
  assert.deepEqual(
    (await clients.sweep()).map(({ id }) => id),
    ['c1'],
  )
  assert.deepEqual(await clients.sweep(), [])
  assert.equal(clients.count(undefined), 0)
  assert.deepEqual(await store.list(''), [])
})

test('What another process registers and removes counts here too', async () => {
  const { clock, store, clients, client } = setup()
  const here = createClients({ store, now: () => clock.nowMs })
  await clients.add(client('c1'))
  await clients.add(client('c2', { token: 'fleet' }))
  await Promise.resolve()
  assert.deepEqual([here.count(undefined), here.count('fleet')], [1, 1])
  await clients.remove('c1')
  await Promise.resolve()
  assert.deepEqual([here.count(undefined), here.count('fleet')], [0, 1])
})

test('Use renews a client and its rows, and writes only now and then', async () => {
  const { clock, store, clients, client } = setup()
  await store.put('row', 'x', { ttlMs: HOUR_MS })
  await clients.add(client('c1'))
  await clients.attach('c1', 'row')
  const version = async () => (await store.get('client/c1'))?.version
  const before = await version()
  clock.nowMs += HOUR_MS / 8 - 1
  await clients.use('c1')
  assert.equal(await version(), before)
  for (let round = 0; round < 6; round++) {
    clock.nowMs += HOUR_MS / 2
    await clients.use('c1')
  }
  assert.ok((await clients.get('c1')) !== undefined && (await store.get('row')) !== undefined)
})

test('Whoever binds a row to a client learns how long it has left, and nothing of one that has ended', async () => {
  const { clock, clients, client } = setup()
  await clients.add(client('c1'))
  clock.nowMs += HOUR_MS / 2
  assert.equal(await clients.attach('c1', 'row'), HOUR_MS / 2)
  clock.nowMs += HOUR_MS / 2
  assert.equal(await clients.attach('c1', 'other'), undefined)
})

test('A row takes the place of the one before in its area, and other rows of the client stay', async () => {
  const { store, clients, client } = setup()
  await clients.add(client('c1', { rows: ['data/c1'] }))
  for (const row of ['data/c1', 'token/1', 'token/2', 'token/2']) {
    await clients.attach('c1', row)
    await store.put(row, 'x', { ttlMs: HOUR_MS })
  }
  assert.deepEqual((await clients.get('c1'))?.rows, ['data/c1', 'token/2'])
  const kept = (await store.list('')).map(({ key }) => key)
  assert.deepEqual(kept, ['client/c1', 'data/c1', 'token/2'])
  await clients.remove('c1')
  assert.deepEqual(await store.list(''), [])
})

test('Using a client that has ended does not bring it back', async () => {
  const { clock, clients, client } = setup()
  await clients.add(client('c1'))
  clock.nowMs += HOUR_MS
  await clients.use('c1')
  assert.equal(await clients.get('c1'), undefined)
})

test('Clients are counted by the token they came with, those of other processes after a sweep', async () => {
  const { clients, client, store, clock } = setup()
  await clients.add(client('c1'))
  await clients.add(client('c2', { token: 'fleet' }))
  const other = createClients({ store, now: () => clock.nowMs })
  assert.equal(other.count('fleet'), 0)
  await other.sweep()
  assert.deepEqual([other.count('fleet'), other.count(undefined)], [1, 1])
  await other.remove('c2')
  assert.deepEqual([other.count('fleet'), await clients.get('c2')], [0, undefined])
})

test('The list goes page by page in the order of ids', async () => {
  const { clients, client } = setup()
  for (const id of ['c3', 'c1', 'c2']) await clients.add(client(id))
  const first = await clients.list(undefined, 2)
  const rest = await clients.list(first.at(-1)?.id, 2)
  assert.deepEqual(
    [...first, ...rest].map(({ id }) => id),
    ['c1', 'c2', 'c3'],
  )
})
