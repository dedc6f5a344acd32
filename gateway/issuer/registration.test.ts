import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { judgeRegistration } from './registration.ts'
import type { Setup } from './setup.ts'

const BODY = JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'] })

function registrations(perMinute: number, maxClients = 10_000) {
  const { store, clock, now } = memoryStore()
  const registration = {
    mode: 'open',
    redirectHosts: undefined,
    idleMs: 86_400_000,
    perMinute,
    maxClients,
    tokens: new Map(),
    statements: new Map(),
  } as const
  let registered = 0
  const options = {
    setup: () => ({ registration }) as unknown as Setup,
    book: { count: () => registered, get: () => Promise.resolve(undefined) },
    store,
    readStatement: () => Promise.reject(new Error('nobody is believed here')),
    now,
  }
  const ask = async (address: string, body = BODY): Promise<number> => {
    const judged = await judgeRegistration({ authorization: undefined, body, address }, options)
    if (judged.ok) registered += 1
    return judged.ok ? 201 : judged.answer.status
  }
  return { ask, clock }
}

test('Of six thousand registrations in a minute a network gets its quota, and other networks theirs', async () => {
  const { ask, clock } = registrations(10)
  const statuses = new Map<number, number>()
  for (let at = 0; at < 6_000; at += 1) {
    const status = await ask('192.0.2.7')
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  assert.deepEqual(
    statuses,
    new Map([
      [201, 10],
      [429, 5_990],
    ]),
  )
  assert.equal(await ask('198.51.100.7'), 201)
  clock.nowMs += 60_000
  assert.equal(await ask('192.0.2.7'), 201)
})

test('A registration that says something twice, or is no object, is refused', async () => {
  const { ask } = registrations(100)
  const [ours, theirs] = ['http://127.0.0.1/cb', 'https://evil.example/']
  assert.equal(await ask('192.0.2.7', BODY), 201)
  for (const body of [
    `{"redirect_uris":["${ours}"],"redirect_uris":["${theirs}"]}`,
    `{"redirect_uris":["${ours}"],"redirect\\u005furis":["${theirs}"]}`,
    `{"redirect_uris":["${ours}"],"jwks":{"keys":[],"keys":[]}}`,
    `[${BODY}]`,
    '"text"',
    `${BODY}${BODY}`,
    '',
  ]) {
    assert.equal(await ask('192.0.2.7', body), 400, body)
  }
})

test('An IPv6 network is one whoever in it asks', async () => {
  const { ask } = registrations(2)
  assert.equal(await ask('2001:db8:1:2::1'), 201)
  assert.equal(await ask('2001:db8:1:2::2'), 201)
  assert.equal(await ask('2001:db8:1:2:ffff::3'), 429)
  assert.equal(await ask('2001:db8:1:3::1'), 201)
})

test('There are never more clients than the operator allows, from however many networks', async () => {
  const { ask } = registrations(1_000, 3)
  const statuses = []
  for (let at = 0; at < 5; at += 1) statuses.push(await ask(`192.0.${at}.1`))
  assert.deepEqual(statuses, [201, 201, 201, 429, 429])
})

test('A registration nested without end, or with redirects without end, is refused', async () => {
  const { ask } = registrations(100)
  const redirects = Array.from({ length: 10_000 }, (_, at) => `http://127.0.0.1/${at}`)
  for (const body of [
    '['.repeat(60_000),
    `{"redirect_uris":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    `{"a":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    JSON.stringify({ redirect_uris: redirects }),
  ]) {
    assert.equal(await ask('192.0.2.7', body), 400)
  }
})
