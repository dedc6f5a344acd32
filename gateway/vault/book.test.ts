import assert from 'node:assert/strict'
import { test } from 'node:test'

import { RING } from '../testkit/acme.ts'
import { createTestVault } from '../testkit/vault.ts'
import { createBook, type Entry } from './book.ts'
import { createEnvelopes } from './envelope.ts'
import { createRingWrap } from './key-wrap.ts'

/** What is connected in a vault, and a way to look again. */
async function connected() {
  const vault = createTestVault()
  await vault.connect()
  const look = async (known?: Entry): Promise<Entry> => {
    const entry = await vault.book.read(vault.id, known)
    assert.ok(entry !== undefined && entry !== 'unreadable')
    return entry
  }
  return { ...vault, look, entry: await look() }
}

test('A row that nobody has written is not opened again', async () => {
  const { entry, look } = await connected()
  assert.equal(await look(entry), entry)
  assert.notEqual(await look(), entry)
})

test('A row that was written is opened, whatever was known of it', async () => {
  const { book, entry, look } = await connected()
  assert.ok(await book.update(entry, { state: 'dead' }))
  assert.equal((await look(entry)).connection.state, 'dead')
})

test('A row of a store that was put back from a backup is opened, though its version is the same', async () => {
  const { connect, entry, id, look, store } = await connected()
  await connect({}, { accessToken: 'another' })
  const other = await look()
  const backup = {
    ...store,
    get: async () => ({ value: other.row, version: entry.version }),
  }
  const book = createBook(backup, () => createEnvelopes([createRingWrap([RING])]))
  const read = await book.read(id, entry)
  assert.ok(read !== undefined && read !== 'unreadable')
  assert.equal(read.tokens.accessToken, 'another')
})

test('A row that is gone is not what was known of it', async () => {
  const { book, entry, id } = await connected()
  await book.delete(id)
  assert.equal(await book.read(id, entry), undefined)
})

test('A row whose key comes from a key service is opened each time, since that may end', async () => {
  const { id, store } = await connected()
  const service = { ...createRingWrap([RING]), opensForGood: false }
  const book = createBook(store, () => createEnvelopes([service]))
  const entry = await book.read(id)
  assert.ok(entry !== undefined && entry !== 'unreadable')
  assert.notEqual(await book.read(id, entry), entry)
})
