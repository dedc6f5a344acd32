import assert from 'node:assert/strict'
import { test } from 'node:test'

import { RING } from '../testkit/acme.ts'
import { temporaryKey } from '../seal/seal.ts'
import { createTestVault } from '../testkit/vault.ts'
import { createBook } from './book.ts'
import { countConnections, rewrapAll } from './census.ts'
import { createEnvelopes } from './envelope.ts'
import { createRingWrap } from './key-wrap.ts'

/** More than are read, or sealed, at once. */
const MANY = 510

test('Connections are counted by provider and state, however many there are', async () => {
  const { book, connect, id } = createTestVault()
  await connect()
  const entry = await book.read(id)
  assert.ok(entry !== undefined && entry !== 'unreadable')
  const { connection, tokens } = entry
  await Promise.all(
    Array.from({ length: MANY }, async (_, at) => {
      const other = { ...id, subject: `person-${at}`, provider: at < 10 ? 'other' : 'acme' }
      await book.connect(other, { ...connection, state: at % 10 === 0 ? 'dead' : 'live' }, tokens)
    }),
  )
  const counted = await countConnections(book)
  const byName = new Map(counted.map((one) => [`${one.provider} ${one.state}`, one.count]))
  assert.deepEqual(
    byName,
    new Map([
      ['acme live', 451],
      ['acme dead', 50],
      ['other live', 9],
      ['other dead', 1],
    ]),
  )
})

test('Sealing all anew leaves the old key without use, and says what does not open', async () => {
  const { connect, id, store } = createTestVault()
  await connect()
  const next = { ...temporaryKey(), id: 'next' }
  const bookOf = (...ring: Parameters<typeof createRingWrap>[0]) =>
    createBook(store, () => createEnvelopes([createRingWrap(ring)]))
  assert.deepEqual(await rewrapAll(bookOf(next)), { sealed: 0, unreadable: 1 })
  assert.deepEqual(await rewrapAll(bookOf(next, RING)), { sealed: 1, unreadable: 0 })
  assert.equal(await bookOf(RING).read(id), 'unreadable')
  const entry = await bookOf(next).read(id)
  assert.ok(entry !== undefined && entry !== 'unreadable')
  assert.equal(entry.tokens.accessToken, 'a1')
})
