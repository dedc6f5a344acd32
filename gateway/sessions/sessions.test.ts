import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createMemoryStore } from '../state/memory.ts'
import type { SignedIn } from './sessions.ts'
import { createSessions, formToken, IDLE_MS, isFormToken, LIFE_MS } from './sessions.ts'

const ALICE: SignedIn = {
  tenant: 'default',
  issuer: 'https://gw.example',
  subject: 'local|alice',
  name: 'Alice',
  kind: 'human',
  groups: ['analysts'],
  client: '',
  methods: ['pwd'],
}

function setup() {
  const clock = { nowMs: 1_700_000_000_000 }
  const store = createMemoryStore({ now: () => clock.nowMs })
  const make = () => createSessions({ store, now: () => clock.nowMs })
  return { clock, store, sessions: make(), other: make() }
}

test('A session is found by the value of its cookie, by another replica too, and by nothing else', async () => {
  const { sessions, other, store } = setup()
  const { session, value } = await sessions.open(ALICE)
  const found = await other.find(value)
  assert.equal(found?.id, session.id)
  assert.equal(found?.subject, 'local|alice')
  for (const wrong of [undefined, '', session.id, `${value}x`, session.key.split('/')[1]]) {
    assert.equal(await sessions.find(wrong), undefined)
  }
  const rows = await store.list('session/')
  assert.ok(rows.every(({ key, value: row }) => !key.includes(value) && !row.includes(value)))
})

test('Every sign-in has a new value and a new id, so one that was planted is worth nothing', async () => {
  const { sessions } = setup()
  const [one, two] = [await sessions.open(ALICE), await sessions.open(ALICE)]
  assert.notEqual(one.value, two.value)
  assert.notEqual(one.session.id, two.session.id)
})

test('A session ends when it was left alone for an hour, and in the end however much it is used', async () => {
  const { clock, sessions } = setup()
  const idle = await sessions.open(ALICE)
  const used = await sessions.open(ALICE)
  for (let spent = 0; spent < LIFE_MS - IDLE_MS / 2; spent += IDLE_MS / 2) {
    assert.ok(await sessions.find(used.value), `after ${spent} ms`)
    clock.nowMs += IDLE_MS / 2
  }
  assert.equal(await sessions.find(idle.value), undefined)
  clock.nowMs += IDLE_MS / 2
  assert.equal(await sessions.find(used.value), undefined)
})

test('A session that was ended is over at once', async () => {
  const { sessions, other } = setup()
  const { session, value } = await sessions.open(ALICE)
  await sessions.end(session)
  assert.equal(await other.find(value), undefined)
})

test('A session that ends while it is in use does not come back', async () => {
  const { clock, sessions, store } = setup()
  const { session, value } = await sessions.open(ALICE)
  clock.nowMs += IDLE_MS / 2
  const endsMeanwhile = {
    get: async (key: string) => {
      const row = await store.get(key)
      await sessions.end(session)
      return row
    },
    put: store.put.bind(store),
    cas: store.cas.bind(store),
    delete: store.delete.bind(store),
  }
  await createSessions({ store: endsMeanwhile, now: () => clock.nowMs }).find(value)
  assert.equal(await sessions.find(value), undefined)
})

test('A form token is good for its browser and its form only', () => {
  const token = formToken('secret', 'consent abc')
  assert.ok(isFormToken(token, 'secret', 'consent abc'))
  assert.ok(!isFormToken(token, 'secret', 'consent abd'))
  assert.ok(!isFormToken(token, 'other', 'consent abc'))
  assert.ok(!isFormToken('', 'secret', 'consent abc') && !isFormToken(undefined, 's', 'p'))
})
