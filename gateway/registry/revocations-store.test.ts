import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../state/store-error.ts'
import {
  callerWith,
  createWorld,
  methods,
  refused,
  silent,
  token,
} from '../testkit/revocations-world.ts'
import { createRevocations, REVOCATIONS_STALE_AFTER_SECONDS } from './revocations.ts'

test('a store that fails revokes nothing and says so, and the next attempt is free', async () => {
  let broken = true
  const { process, events } = createWorld((store) => ({
    ...methods(store),
    cas: async (...args) => {
      if (broken) throw new StoreError('busy', 'locked')
      return store.cas(...args)
    },
  }))
  const revocations = await process()
  await assert.rejects(revocations.revoke(token('jti-1')), refused('unavailable'))
  assert.equal(revocations.size, 0)
  assert.deepEqual(events, [])
  broken = false
  await revocations.revoke(token('jti-1'))
  assert.equal(revocations.size, 1)
})

test('a revocation that could not be told to others is in force here, and repeating it tells them', async () => {
  let broken = true
  const { process } = createWorld((store) => ({
    ...methods(store),
    cas: async (key, ...args) => {
      if (broken && key === 'revocation/head') throw new StoreError('timeout', 'away')
      return store.cas(key, ...args)
    },
  }))
  const [one, two] = [await process(), await process()]
  await assert.rejects(one.revoke(token('jti-1')), refused('unavailable'))
  assert.equal(one.isRevoked(callerWith({ tokenId: 'jti-1' })), true)
  broken = false
  await one.revoke(token('jti-1'))
  broken = true
  const { id } = one.list()[0]!
  await assert.rejects(one.lift(id, 'admin'), refused('unavailable'))
  broken = false
  await two.refresh()
  assert.equal(await one.lift(id, 'admin'), true)
  await two.refresh()
  assert.equal(two.size, 0)
})

test('how long the list has not been confirmed is known from the start', async () => {
  let broken = false
  const { clock, store } = createWorld((inner) => ({
    ...methods(inner),
    get: async (key) => {
      if (broken) throw new StoreError('timeout', 'away')
      return inner.get(key)
    },
  }))
  const now = (): number => clock.nowMs
  const revocations = createRevocations({ store, now, emit: () => undefined })
  assert.equal(revocations.staleForSeconds, Infinity)
  await revocations.load()
  assert.equal(revocations.staleForSeconds, 0)
  broken = true
  clock.nowMs += (REVOCATIONS_STALE_AFTER_SECONDS + 1) * 1000
  await assert.rejects(revocations.refresh())
  assert.ok(revocations.staleForSeconds > REVOCATIONS_STALE_AFTER_SECONDS)
  broken = false
  await revocations.refresh()
  assert.equal(revocations.staleForSeconds, 0)
})

test('other processes that hear of a change look at once, however many changes there are', async () => {
  const { process } = createWorld(methods)
  const [one, two] = [await process(), await process()]
  const revoked = await Promise.all(
    Array.from({ length: 20 }, (_, i) => one.revoke(token(`jti-${i}`))),
  )
  await turn()
  for (let i = 0; i < 20; i += 1) {
    assert.ok(two.isRevoked(callerWith({ tokenId: `jti-${i}` })), `jti-${i}`)
  }
  await one.lift(revoked[0]!.id, 'admin')
  await turn()
  assert.equal(two.size, 19)
})

test('that nobody could be told does not make a revocation fail', async () => {
  const { process } = createWorld((store) => ({
    ...methods(store),
    publish: async () => {
      throw new StoreError('away', 'away')
    },
  }))
  const revocations = await process()
  const { id } = await revocations.revoke(token('jti-1'))
  assert.equal(await revocations.lift(id, 'admin'), true)
})

test('a list that could not be read grows stale, is lost in the end, and is fresh once it is read', async () => {
  let broken = false
  const { process, clock } = createWorld((store) => ({
    ...silent(store),
    get: async (key) => {
      if (broken) throw new StoreError('away', 'away')
      return store.get(key)
    },
  }))
  const revocations = await process()
  const after = async (seconds: number): Promise<string> => {
    clock.nowMs += seconds * 1000
    await revocations.refresh().catch(() => undefined)
    return revocations.staleness
  }
  assert.equal(await after(0), 'fresh')
  broken = true
  assert.equal(await after(REVOCATIONS_STALE_AFTER_SECONDS), 'fresh')
  const { epoch } = revocations
  assert.equal(await after(1), 'stale')
  assert.ok(revocations.epoch > epoch)
  assert.equal(await after(15 * 60 - 1), 'stale')
  assert.equal(await after(1), 'lost')
  broken = false
  assert.equal(await after(1), 'fresh')
})

test('a store that was emptied gets back what any process knew, and says so', async () => {
  const { process, store, events } = createWorld()
  const [one, two] = [await process(), await process()]
  for (let i = 0; i < 70; i += 1) await one.revoke(token(`jti-${i}`))
  await two.refresh()
  await two.revoke(token('jti-two'))
  for (;;) {
    const rows = await store.list('')
    if (rows.length === 0) break
    for (const { key } of rows) await store.delete(key)
  }
  const late = await process()
  assert.equal(late.size, 0)
  await one.refresh()
  await late.refresh()
  assert.equal(late.size, 70)
  await two.refresh()
  assert.equal(two.size, 71, 'what it alone knew is not forgotten')
  for (const each of [one, two, late]) {
    assert.ok(each.isRevoked(callerWith({ tokenId: 'jti-69' })))
  }
  assert.ok(two.isRevoked(callerWith({ tokenId: 'jti-two' })))
  assert.ok(events.some((event) => event.type === 'warning'))
})

test('a revocation made before anybody noticed that the store was emptied does not hide it', async () => {
  const { process, store } = createWorld()
  const one = await process()
  const { id } = await one.revoke(token('jti-old'))
  for (const key of ['head', `entry/${id}`]) await store.delete(`revocation/${key}`)
  await one.revoke(token('jti-new'))
  await one.refresh()
  const late = await process()
  assert.equal(late.size, 2)
})

test('an entry that cannot be read keeps the list from being loaded', async () => {
  const { process, store } = createWorld()
  const revocations = await process()
  await store.put('revocation/entry/000000000000000000000000', '{"v":2}')
  await assert.rejects(process(), refused('unreadable'))
  await store.put('revocation/head', '{"changes":"many"}')
  await assert.rejects(revocations.refresh(), refused('unreadable'))
})

/** Long enough for everything that waits for nothing but promises. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
