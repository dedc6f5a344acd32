import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createCensus } from './census.ts'
import type { RegisteredClient } from './clients.ts'

function client(id: string, token?: string, registeredAtMs = 0): RegisteredClient {
  return {
    id,
    name: 'Agent',
    kind: 'agent',
    token,
    address: '127.0.0.1',
    registeredAtMs,
    usedAtMs: 0,
    idleMs: 1,
    rows: [],
  }
}

test('each client counts once for its token, however often it is noted and removed', () => {
  const census = createCensus()
  census.add(client('a', 'fleet'))
  census.add(client('a', 'fleet'))
  census.add(client('b'))
  assert.deepEqual([census.count('fleet'), census.count(undefined), census.count('x')], [1, 1, 0])
  census.add(client('a', 'x'))
  assert.deepEqual([census.count('fleet'), census.count('x')], [0, 1])
  census.remove('a')
  census.remove('a')
  assert.deepEqual([census.has('a'), census.count('x'), census.count(undefined)], [false, 0, 1])
})

test('a new count forgets those who are gone, and says who they were', () => {
  const census = createCensus()
  for (const id of ['a', 'b']) census.add(client(id, 'fleet'))
  census.add(client('new', 'x', 5))
  const gone = census.replace([client('b', 'fleet'), client('c', 'fleet'), client('d')], 5)
  assert.deepEqual(
    gone.map(({ id }) => id),
    ['a'],
  )
  assert.deepEqual([census.count('fleet'), census.count(undefined), census.count('x')], [2, 1, 1])
})
