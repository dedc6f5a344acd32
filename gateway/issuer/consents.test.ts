import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { createConsents } from './consents.ts'
import { createRows } from './rows.ts'

const KEY = { account: 'local|alice', client: 'c1', redirect: 'https://app.example/cb' }
const [DOCS, CODE] = ['https://gw.example/docs', 'https://gw.example/code']

function setup() {
  const { store } = memoryStore()
  const sealing = () => ({
    seal: (_bound: readonly string[], text: string) => text,
    open: (_bound: readonly string[], sealed: string) => sealed,
  })
  return createConsents(createRows({ store, sealing }))
}

test('What was allowed is remembered together, until a person no longer allows it', async () => {
  const consents = setup()
  await consents.note(KEY, { allowed: { [DOCS]: ['read', 'write'] }, refused: {}, name: 'App' })
  await consents.note(KEY, { allowed: { [CODE]: ['run'] }, refused: {}, name: 'App' })
  const refused = { [DOCS]: ['write'] }
  await consents.note(KEY, { allowed: { [DOCS]: ['read'] }, refused, name: 'App' })
  assert.deepEqual(await consents.find(KEY), { [DOCS]: ['read'], [CODE]: ['run'] })
})

test('What one person allowed to one client at one redirect says nothing of any other', async () => {
  const consents = setup()
  await consents.note(KEY, { allowed: { [DOCS]: ['read'] }, refused: {}, name: 'App' })
  for (const other of [{ account: 'local|bob' }, { client: 'c2' }, { redirect: 'https://x/cb' }]) {
    assert.deepEqual(await consents.find({ ...KEY, ...other }), {})
  }
  await consents.forget(KEY)
  assert.deepEqual(await consents.find(KEY), {})
})
