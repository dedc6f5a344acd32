import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { createTestVault, given, NEEDS_ACME } from '../testkit/vault.ts'
import { keyOf } from './book.ts'

const MINUTE = 60_000

/** Lets what runs in the background go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'credential_unavailable'
}

test('A caller without a connection has nothing, and is told what to connect', async () => {
  const { find } = createTestVault()
  assert.deepEqual(await find(), {
    kind: 'missing',
    reason: 'Connect your acme account first',
    connect: { provider: 'acme', account: 'default', scopes: ['read'] },
  })
})

test('What is warm is there at once, as the same object, for five seconds', async () => {
  const { caller, clock, connect, find, keeper } = createTestVault()
  await connect()
  const first = await find()
  clock.nowMs += 3_999
  assert.equal(keeper.find({ caller, credential: NEEDS_ACME }), first)
  await settle()
  clock.nowMs += 1_001
  const again = keeper.find({ caller, credential: NEEDS_ACME })
  assert.ok(again instanceof Promise)
  assert.equal(await again, first)
})

test('What is in use is looked up behind its calls before it has to be, so that none of them waits', async () => {
  const { book, caller, clock, connect, find, id, keeper } = createTestVault()
  await connect()
  const first = await find()
  clock.nowMs += 4_000
  assert.equal(keeper.find({ caller, credential: NEEDS_ACME }), first)
  await settle()
  clock.nowMs += 3_999
  assert.equal(keeper.find({ caller, credential: NEEDS_ACME }), first)
  await book.delete(id)
  clock.nowMs += 1
  assert.equal(keeper.find({ caller, credential: NEEDS_ACME }), first)
  await settle()
  const gone = keeper.find({ caller, credential: NEEDS_ACME })
  assert.ok(!(gone instanceof Promise) && gone.kind === 'missing')
})

test('What was being read while a connection changed is not believed', async () => {
  const { book, caller, clock, connect, id, keeper, sent } = createTestVault()
  await connect()
  await sent()
  clock.nowMs += 4_000
  // The row is read before it goes, and shows up afterwards.
  void keeper.find({ caller, credential: NEEDS_ACME })
  const gone = book.delete(id)
  keeper.forget(id)
  assert.ok(await gone)
  await settle()
  assert.match(await sent(), /Connect your acme account first/)
})

test('A connection that is gone from the store is not used five seconds later, or at once where told', async () => {
  const { book, clock, connect, id, keeper, sent } = createTestVault()
  await connect()
  assert.equal(await sent(), 'Bearer a1')
  await book.delete(id)
  assert.equal(await sent(), 'Bearer a1')
  keeper.forget(id)
  assert.match(await sent(), /Connect your acme account first/)
  await connect()
  clock.nowMs += 5_000
  assert.equal(await sent(), 'Bearer a1')
})

test('At four fifths of its life a token is refreshed behind the call, which still has the old one', async () => {
  const { clock, connect, refreshed, sent } = createTestVault()
  await connect()
  clock.nowMs += 48 * MINUTE - 1
  assert.equal(await sent(), 'Bearer a1')
  await settle()
  assert.deepEqual(refreshed, [])
  clock.nowMs += 1
  assert.equal(await sent(), 'Bearer a1')
  await settle()
  assert.deepEqual(refreshed, ['r1'])
  assert.equal(await sent(), 'Bearer a2')
})

test('A token that has ended is never sent: the call waits for the new one, however many there are', async () => {
  const { clock, connect, refreshed, sent } = createTestVault()
  await connect()
  clock.nowMs += 61 * MINUTE
  const all = await Promise.all(Array.from({ length: 20 }, () => sent()))
  assert.deepEqual(new Set(all), new Set(['Bearer a2']))
  assert.deepEqual(refreshed, ['r1'])
})

test('The new refresh token is in the store before anybody has the new access token', async () => {
  const { book, clock, connect, id, provider, sent } = createTestVault()
  await connect()
  clock.nowMs += 61 * MINUTE
  const stored: unknown[] = []
  const update = book.update.bind(book)
  provider.reply = async () => {
    const entry = await book.read(id)
    stored.push(typeof entry === 'object' && entry.tokens.refreshToken)
    return given('a2')
  }
  assert.equal(await sent(), 'Bearer a2')
  const entry = await book.read(id)
  stored.push(typeof entry === 'object' && entry.tokens.refreshToken)
  assert.deepEqual(stored, ['r1', 'r-a2'])
  assert.ok(update)
})

test('A provider that keeps its refresh tokens gives none, and the old one is used again', async () => {
  const { clock, connect, provider, refreshed, sent } = createTestVault()
  provider.reply = async () => given('a2', { refreshToken: undefined })
  await connect()
  clock.nowMs += 61 * MINUTE
  await sent()
  clock.nowMs += 61 * MINUTE
  await sent()
  assert.deepEqual(refreshed, ['r1', 'r1'])
})

test('Two processes that find a token ended refresh it once between them', async () => {
  const one = createTestVault()
  const two = createTestVault(one)
  one.provider.reply = async () => {
    await settle()
    return given('a2')
  }
  await one.connect()
  one.clock.nowMs += 61 * MINUTE
  const sent = await Promise.all([one.sent(), two.sent(), one.sent(), two.sent()])
  assert.deepEqual(new Set(sent), new Set(['Bearer a2']))
  assert.deepEqual(one.refreshed, ['r1'])
})

test('What the provider has ended is dead: it is not asked again, and the caller is told to connect anew', async () => {
  const { book, clock, connect, events, id, provider, refreshed, sent } = createTestVault()
  provider.reply = async () => ({ kind: 'ended', code: 'invalid_grant' })
  await connect()
  clock.nowMs += 61 * MINUTE
  assert.match(await sent(), /Connect your acme account again/)
  clock.nowMs += 61 * MINUTE
  assert.match(await sent(), /Connect your acme account again/)
  assert.deepEqual(refreshed, ['r1'])
  const entry = await book.read(id)
  assert.ok(typeof entry === 'object')
  assert.deepEqual([entry.connection.state, entry.connection.reason], ['dead', 'invalid_grant'])
  const told = events.flatMap((event) => (event.type === 'connection' ? [event.action] : []))
  assert.deepEqual(told, ['ended'])
})

test('While a provider is down the old token is used to its end, then calls are refused; nothing is lost', async () => {
  const { clock, connect, provider, refreshed, sent, find } = createTestVault()
  provider.reply = async () => ({ kind: 'unavailable', detail: 'server_error' })
  await connect()
  clock.nowMs += 50 * MINUTE
  assert.equal(await sent(), 'Bearer a1')
  await settle()
  clock.nowMs += 11 * MINUTE
  await assert.rejects(find, isUnavailable)
  provider.reply = async () => given('a2')
  clock.nowMs += 6 * MINUTE
  assert.equal(await sent(), 'Bearer a2')
  assert.deepEqual(new Set(refreshed), new Set(['r1']))
})

for (const [what, next, sentThen] of [
  ['takes the old refresh token once more', given('a3'), /^Bearer a3$/],
  ['has ended it', { kind: 'ended', code: 'invalid_grant' }, /Connect your acme account again/],
] as const) {
  test(`C-07 A refresh whose answer is lost ends nothing by itself, and is tried once its pause is over: the provider ${what}`, async () => {
    const { book, clock, connect, id, provider, refreshed, sent } = createTestVault()
    // It has made new tokens, and nobody will ever know them.
    provider.reply = async () => ({ kind: 'unavailable', detail: 'https://acme: SocketError' })
    await connect()
    clock.nowMs += 50 * MINUTE
    assert.equal(await sent(), 'Bearer a1')
    await settle()
    assert.equal(await sent(), 'Bearer a1')
    const entry = await book.read(id)
    assert.ok(typeof entry === 'object')
    assert.deepEqual([entry.connection.state, entry.tokens.refreshToken], ['live', 'r1'])
    assert.deepEqual(refreshed, ['r1'])
    provider.reply = async () => next
    clock.nowMs += 11 * MINUTE
    assert.match(await sent(), sentThen)
    assert.deepEqual(refreshed, ['r1', 'r1'])
  })
}

test('After a failure the provider is asked again later and later, not with every call', async () => {
  const { clock, connect, provider, refreshed, find } = createTestVault()
  provider.reply = async () => ({ kind: 'unavailable', detail: 'server_error' })
  await connect()
  clock.nowMs += 61 * MINUTE
  const asked: number[] = []
  for (const pauseMs of [0, 500, 500, 1_000, 1_000, 2_000, 2_000]) {
    clock.nowMs += pauseMs
    await assert.rejects(find, isUnavailable)
    asked.push(refreshed.length)
  }
  assert.deepEqual(asked, [1, 1, 2, 2, 3, 3, 4])
})

test('Our own mistake, such as a wrong client secret, does not end a connection', async () => {
  const { book, clock, connect, find, id, provider } = createTestVault()
  provider.reply = async () => ({ kind: 'refused', code: 'invalid_client' })
  await connect()
  clock.nowMs += 61 * MINUTE
  await assert.rejects(find, isUnavailable)
  const entry = await book.read(id)
  assert.equal(typeof entry === 'object' && entry.connection.state, 'live')
})

test('A row that was sealed anew while its tokens were refreshed keeps the new tokens', async () => {
  const { book, clock, connect, id, provider, store, sent } = createTestVault()
  await connect()
  clock.nowMs += 61 * MINUTE
  provider.reply = async () => {
    const row = await store.get(keyOf(id))
    await store.put(keyOf(id), row?.value ?? '')
    return given('a2')
  }
  assert.equal(await sent(), 'Bearer a2')
  const entry = await book.read(id)
  assert.equal(typeof entry === 'object' && entry.tokens.refreshToken, 'r-a2')
})

test('Whoever connects anew while a refresh runs has the new connection, not the refreshed one', async () => {
  const { clock, connect, provider, sent } = createTestVault()
  await connect()
  clock.nowMs += 61 * MINUTE
  provider.reply = async () => {
    await connect({}, { accessToken: 'anew', refreshToken: 'r-anew' })
    return given('a2')
  }
  assert.equal(await sent(), 'Bearer anew')
})

test('A connection that was revoked while a refresh ran stays away', async () => {
  const { book, clock, connect, id, provider, sent } = createTestVault()
  await connect()
  clock.nowMs += 61 * MINUTE
  provider.reply = async () => {
    await book.delete(id)
    return given('a2')
  }
  assert.match(await sent(), /Connect your acme account first/)
  assert.equal(await book.read(id), undefined)
})

test('A connection without the scopes a server needs is not used for it', async () => {
  const { connect, sent } = createTestVault()
  await connect({ scopes: ['other'] })
  assert.match(await sent(), /more access is needed/)
})

test('A token that the server refused is refreshed once; another call that was refused has the new one', async () => {
  const { caller, connect, find, keeper, refreshed } = createTestVault()
  await connect()
  const refused = await find()
  const wish = { caller, credential: NEEDS_ACME }
  const [one, other] = await Promise.all([keeper.renew(wish, refused), keeper.renew(wish, refused)])
  assert.ok(one.kind === 'injection')
  assert.equal(one.injection[1], 'Bearer a2')
  assert.equal(other, one)
  assert.equal(await keeper.renew(wish, refused), one)
  assert.deepEqual(refreshed, ['r1'])
})

test('A server that refuses every token makes us ask the provider once in half a minute', async () => {
  const { caller, clock, connect, find, keeper, provider, refreshed } = createTestVault()
  let count = 1
  provider.reply = async () => given(`a${(count += 1)}`)
  await connect()
  const wish = { caller, credential: NEEDS_ACME }
  for (let attempt = 0; attempt < 10; attempt++) {
    await keeper.renew(wish, await find())
    clock.nowMs += 5_000
  }
  assert.equal(refreshed.length, 2)
})

test('A refused token that cannot be refreshed ends its connection: the person connects anew', async () => {
  const { caller, connect, find, keeper } = createTestVault()
  await connect({ expiresAtMs: undefined }, { refreshToken: undefined })
  const found = await keeper.renew({ caller, credential: NEEDS_ACME }, await find())
  assert.equal(found.kind, 'missing')
})

test('A row of somebody else, put in the place of one’s own, is nobody’s', async () => {
  const { connect, events, id, keeper, sent, store } = createTestVault()
  await connect()
  const row = await store.get(keyOf(id))
  const bob = { ...id, subject: 'alice' }
  await store.put(keyOf(bob), (row?.value ?? '').replace(/"blob":"./, '"blob":"!'))
  keeper.forget(id)
  assert.match(await sent(), /Connect your acme account first/)
  assert.ok(
    events.some((event) => event.type === 'warning' && event.what === 'connection_unreadable'),
  )
})
