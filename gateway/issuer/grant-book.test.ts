import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { createAdapter } from './adapter.ts'
import { createGrantBook } from './grant-book.ts'
import { createRequestMemory } from './request-memory.ts'
import type { Row } from './rows.ts'
import { createRows, MAX_LISTED } from './rows.ts'

function setup() {
  const { store, now } = memoryStore()
  const rows = createRows({
    store,
    sealing: () => ({ seal: (_bound, text) => text, open: (_bound, sealed) => sealed }),
  })
  const revoked = new Set<string>()
  const revokeGrant = async (grant: string): Promise<void> => void revoked.add(grant)
  const clients = {
    find: async () => undefined,
    write: async () => {},
    remove: async () => {},
    attach: async () => undefined,
  }
  const [presentedToken, grantOfRefresh] = [() => undefined, () => undefined]
  const revokeToken = async (): Promise<void> => {}
  const seen = createRequestMemory<Row>(() => undefined)
  const ends = { revokeGrant, revokeToken }
  const options = { rows, store, seen, now, clients, presentedToken, grantOfRefresh, ...ends }
  const adapter = (model: string) => createAdapter(model, options)
  return { revoked, adapter, book: createGrantBook({ rows, adapter, revokeGrant }) }
}

test('Ending what a client was allowed ends every grant of it, however many, and no other', async () => {
  const { adapter, book, revoked } = setup()
  const count = MAX_LISTED + 1
  for (let at = 0; at < count; at++) {
    await book.add({ grant: `g${at}`, account: 'alice', client: 'c1', session: 's' })
    await adapter('RefreshToken').upsert(`t${at}`, { grantId: `g${at}` }, 600)
  }
  for (const [account, client] of [
    ['bob', 'c1'],
    ['alice', 'c2'],
  ] as const) {
    await book.add({ grant: `${account}-${client}`, account, client, session: 's' })
  }
  await book.endAll('alice', 'c1')
  assert.equal(revoked.size, count)
  for (let at = 0; at < count; at++) {
    assert.equal(await adapter('RefreshToken').find(`t${at}`), undefined)
    assert.equal(await book.find(`g${at}`), undefined)
  }
  assert.ok((await book.find('bob-c1')) && (await book.find('alice-c2')))
})

test('Ending a session ends what was allowed in it, whoever it was allowed, and no more', async () => {
  const { adapter, book } = setup()
  await book.add({ grant: 'g1', account: 'alice', client: 'c1', session: 's1' })
  await book.add({ grant: 'g2', account: 'alice', client: 'c2', session: 's1' })
  await book.add({ grant: 'g3', account: 'alice', client: 'c1', session: 's2' })
  for (const grant of ['g1', 'g2', 'g3']) {
    await adapter('RefreshToken').upsert(`of-${grant}`, { grantId: grant }, 600)
  }
  await book.endSession('s1')
  const left = await Promise.all(['g1', 'g2', 'g3'].map((grant) => book.find(grant)))
  assert.deepEqual(
    left.map((facts) => facts?.grant),
    [undefined, undefined, 'g3'],
  )
  assert.equal(await adapter('RefreshToken').find('of-g1'), undefined)
  assert.ok(await adapter('RefreshToken').find('of-g3'))
  // What is left of the client can still be ended with it.
  await book.endAll('alice', 'c1')
  assert.equal(await book.find('g3'), undefined)
})
