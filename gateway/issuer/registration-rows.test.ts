import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createClients } from '../registry/clients.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { createAdapter } from './adapter.ts'
import { createClientBook } from './client-book.ts'
import type { Newcomer } from './client-book.ts'
import { createRequestMemory } from './request-memory.ts'
import { createRows } from './rows.ts'
import type { Setup } from './setup.ts'

const NEWCOMER: Newcomer = {
  kind: 'agent',
  token: undefined,
  statement: undefined,
  address: '127.0.0.1',
  idleMs: 3_600_000,
}

const METADATA = { client_id: 'c1', client_name: 'Agent' }
const TOKEN = { clientId: 'c1', kind: 'RegistrationAccessToken' }

/** Of ids, in keys. */
const HASHES = /(?<=\/)[\w-]{43}/g

function setup() {
  const { store, now } = memoryStore()
  const rows = createRows({
    store,
    sealing: () => ({ seal: (_bound, text) => text, open: (_bound, text) => text }),
  })
  const clients = createClientBook({
    setup: () => ({ clients: new Map() }) as unknown as Setup,
    book: createClients({ store, now }),
    rows,
    now,
    workload: () => undefined,
    onRegistered: () => {},
  })
  const options = {
    rows,
    store,
    clients,
    now,
    seen: createRequestMemory<never>(() => undefined),
    revokeGrant: async () => {},
    presentedToken: () => undefined,
    grantOfRefresh: () => undefined,
    revokeToken: async () => {},
  }
  const book = createAdapter('Client', options)
  const tokens = createAdapter('RegistrationAccessToken', options)
  return {
    book,
    tokens,
    /** What `oidc-provider` does for a POST. */
    register: (token: string) =>
      clients.register(NEWCOMER, async () => {
        await book.upsert('c1', METADATA, 0)
        await tokens.upsert(token, TOKEN, 0)
      }),
    /** What is in the store, with the names of hashes left out. */
    kept: async () =>
      (await store.list('')).map(({ key, value }) => `${key} ${value}`.replace(HASHES, '')),
  }
}

test('However often a client changes its registration, no more is kept of it than when it registered', async () => {
  const { register, book, tokens, kept } = setup()
  await register('token-000')
  const before = await kept()
  assert.equal(before.length, 3)
  for (let at = 1; at <= 100; at += 1) {
    // And for a PUT (RFC 7592 §2.2).
    await book.upsert('c1', METADATA, 0)
    await tokens.destroy(`token-${String(at - 1).padStart(3, '0')}`)
    await tokens.upsert(`token-${String(at).padStart(3, '0')}`, TOKEN, 0)
  }
  assert.deepEqual(await kept(), before)
  assert.ok((await tokens.find('token-100')) !== undefined)
  await book.destroy('c1')
  assert.equal((await kept()).length, 0)
})

test('Of changes that are made at once with the same token one leaves a token behind', async () => {
  const { register, tokens, kept } = setup()
  await register('token-0')
  for (let at = 1; at < 10; at += 1) await tokens.upsert(`token-${at}`, TOKEN, 0)
  assert.equal((await kept()).length, 3)
  assert.ok((await tokens.find('token-9')) !== undefined)
})
