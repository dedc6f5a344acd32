import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../state/store-error.ts'
import {
  API_KEYS,
  callerWith,
  createWorld,
  ISSUER,
  methods,
  OURS,
  refused,
  token,
} from '../testkit/revocations-world.ts'
import type { RevokeRequest } from './revocation.ts'
import { TOKEN_REVOCATION_SECONDS } from './revocation.ts'

test('a revocation is in force at once, is told, and moves the epoch', async () => {
  const { process, events } = createWorld()
  const revocations = await process()
  const { epoch } = revocations
  const caller = callerWith({ tokenId: 'jti-1' })
  assert.equal(revocations.isRevoked(caller), false)
  const entry = await revocations.revoke({ ...token('jti-1'), reason: 'stolen' })
  assert.equal(revocations.isRevoked(caller), true)
  assert.ok(revocations.epoch > epoch)
  assert.deepEqual(revocations.list(), [entry])
  assert.equal(entry.reason, 'stolen')
  assert.deepEqual(events, [
    { type: 'revoked', by: 'admin', kind: 'token', value: 'jti-1', issuer: ISSUER },
  ])
})

test('a lifted revocation ends at once, is told, and moves the epoch', async () => {
  const { process, events } = createWorld()
  const revocations = await process()
  const { id } = await revocations.revoke(token('jti-1'))
  const { epoch } = revocations
  assert.equal(await revocations.lift(id, 'someone'), true)
  assert.equal(revocations.isRevoked(callerWith({ tokenId: 'jti-1' })), false)
  assert.ok(revocations.epoch > epoch)
  assert.deepEqual(events.at(-1), {
    type: 'revocation_lifted',
    by: 'someone',
    kind: 'token',
    value: 'jti-1',
    issuer: ISSUER,
  })
  assert.equal(await revocations.lift(id, 'someone'), false)
  assert.equal(events.length, 2)
})

test('tokens and subject cutoffs end with the last token they concern, the rest stays', async () => {
  const { process, clock } = createWorld()
  const revocations = await process()
  const lives = async (request: Omit<RevokeRequest, 'by' | 'value'>): Promise<unknown> => {
    const entry = await revocations.revoke({ ...request, value: 'x', by: 'admin' })
    const end = entry.expiresAtSeconds
    return end === undefined ? 'until lifted' : end - clock.nowMs / 1000
  }
  assert.equal(await lives({ kind: 'token', issuer: ISSUER }), TOKEN_REVOCATION_SECONDS)
  assert.equal(await lives({ kind: 'subject', issuer: ISSUER }), TOKEN_REVOCATION_SECONDS)
  assert.equal(await lives({ kind: 'token', issuer: API_KEYS }), 'until lifted')
  assert.equal(await lives({ kind: 'subject', issuer: API_KEYS }), 'until lifted')
  // Refresh tokens of ours were given before the cutoff, and yield tokens long after a day.
  assert.equal(await lives({ kind: 'token', issuer: OURS }), TOKEN_REVOCATION_SECONDS)
  assert.equal(await lives({ kind: 'subject', issuer: OURS }), 'until lifted')
  for (const kind of ['grant', 'session', 'client'] as const) {
    assert.equal(await lives({ kind }), 'until lifted')
    assert.equal(await lives({ kind, issuer: ISSUER, expiresInSeconds: 60 }), 60)
  }
})

test('an entry ends at the first refresh after its end, also while the store fails', async () => {
  let broken = false
  const { process, clock } = createWorld((store) => ({
    ...methods(store),
    get: async (key) => {
      if (broken) throw new StoreError('timeout', 'away')
      return store.get(key)
    },
  }))
  const revocations = await process()
  await revocations.revoke({ ...token('jti-1'), expiresInSeconds: 10 })
  await revocations.revoke(token('jti-2'))
  const { epoch } = revocations
  broken = true
  clock.nowMs += 10_000
  await assert.rejects(revocations.refresh())
  assert.equal(revocations.isRevoked(callerWith({ tokenId: 'jti-1' })), false)
  assert.equal(revocations.isRevoked(callerWith({ tokenId: 'jti-2' })), true)
  assert.ok(revocations.epoch > epoch)
})

test('revoking again never weakens what was revoked', async () => {
  const { process, clock } = createWorld()
  const revocations = await process()
  const subject = { kind: 'subject', issuer: ISSUER, value: 'user-1', by: 'admin' } as const
  const first = await revocations.revoke({ ...subject, expiresInSeconds: 1000, reason: 'why' })
  clock.nowMs -= 5_000
  const second = await revocations.revoke({ ...subject, expiresInSeconds: 10 })
  assert.deepEqual(second, { ...first, by: 'admin' })
  clock.nowMs += 60_000
  const third = await revocations.revoke({ ...subject, expiresInSeconds: 2000 })
  assert.equal(third.id, first.id)
  assert.equal(third.cutoffSeconds, first.cutoffSeconds! + 55)
  assert.equal(third.expiresAtSeconds, first.expiresAtSeconds! + 1055)
  await revocations.revoke({ kind: 'client', value: 'app-1', by: 'admin' })
  const client = { kind: 'client', value: 'app-1', by: 'admin', expiresInSeconds: 10 } as const
  assert.equal((await revocations.revoke(client)).expiresAtSeconds, undefined)
  assert.equal(revocations.size, 2)
})

test('other processes learn of revocations and lifts at their next refresh, and tell nobody', async () => {
  const { process, events } = createWorld()
  const [one, two] = [await process(), await process()]
  const caller = callerWith({ tokenId: 'jti-1' })
  const { id } = await one.revoke(token('jti-1'))
  assert.equal(two.isRevoked(caller), false)
  const { epoch } = two
  await two.refresh()
  assert.equal(two.isRevoked(caller), true)
  assert.ok(two.epoch > epoch)
  await two.lift(id, 'admin')
  await one.refresh()
  assert.equal(one.isRevoked(caller), false)
  assert.equal(events.length, 2)
})

test('an entry another process has just made can be lifted before it was seen here', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  const { id } = await one.revoke(token('jti-1'))
  assert.equal(await two.lift(id, 'admin'), true)
  await one.refresh()
  assert.equal(one.size, 0)
})

test('a refresh costs one read while nothing has changed, and leaves the epoch', async () => {
  const asked: string[] = []
  const { process } = createWorld((store) => ({
    ...methods(store),
    get: (key) => {
      asked.push(`get ${key}`)
      return store.get(key)
    },
    list: (prefix, options) => {
      asked.push(`list ${prefix}`)
      return store.list(prefix, options)
    },
  }))
  const revocations = await process()
  await revocations.revoke(token('jti-1'))
  await revocations.refresh()
  asked.length = 0
  const { epoch } = revocations
  await revocations.refresh()
  assert.deepEqual(asked, ['get revocation/head'])
  assert.equal(revocations.epoch, epoch)
  await Promise.all([revocations.refresh(), revocations.refresh()])
  assert.equal(asked.length, 2)
})

test('a process that is far behind reads the whole list', async () => {
  const { process } = createWorld()
  const [one, two] = [await process(), await process()]
  for (let i = 0; i < 300; i += 1) await one.revoke(token(`jti-${i}`))
  await one.lift(one.list()[0]!.id, 'admin')
  await two.refresh()
  assert.equal(two.size, 299)
  assert.deepEqual(new Set(two.list()), new Set(one.list()))
})

test('a list of more than one page is read whole', async () => {
  const { process } = createWorld()
  const one = await process(5000)
  await Promise.all(Array.from({ length: 2001 }, (_, i) => one.revoke(token(`jti-${i}`))))
  assert.equal((await process()).size, 2001)
})

test('a store that was put back to an earlier state is read whole', async () => {
  const { process, store } = createWorld()
  const revocations = await process()
  await revocations.revoke(token('jti-1'))
  const { id } = await revocations.revoke(token('jti-2'))
  await revocations.refresh()
  await store.delete(`revocation/entry/${id}`)
  await store.put('revocation/head', JSON.stringify({ changes: 1, recent: ['anything'] }))
  await revocations.refresh()
  assert.equal(revocations.isRevoked(callerWith({ tokenId: 'jti-1' })), true)
  assert.equal(revocations.isRevoked(callerWith({ tokenId: 'jti-2' })), false)
})

test('two processes that revoke at the same time lose nothing', async () => {
  const { process } = createWorld()
  const both = [await process(), await process()]
  const asked = both.flatMap((revocations, at) =>
    Array.from({ length: 30 }, (_, i) => revocations.revoke(token(`jti-${at}-${i}`))),
  )
  await Promise.all(asked)
  for (const revocations of both) {
    await revocations.refresh()
    assert.equal(revocations.size, 60)
  }
})

test('what callers bring about fills only a part of the list, and the rest is for operators', async () => {
  const revocations = await createWorld().process(2)
  await revocations.revoke({ ...token('jti-1'), upTo: 1 })
  await assert.rejects(revocations.revoke({ ...token('jti-2'), upTo: 1 }), refused('full'))
  await revocations.revoke(token('jti-2'))
  assert.equal(revocations.size, 2)
})

test('a full list refuses what is new and takes what it knows', async () => {
  const { process } = createWorld()
  const revocations = await process(2)
  await revocations.revoke(token('jti-1'))
  const { id } = await revocations.revoke(token('jti-2'))
  await assert.rejects(revocations.revoke(token('jti-3')), refused('full'))
  assert.equal(revocations.isRevoked(callerWith({ tokenId: 'jti-3' })), false)
  await revocations.revoke(token('jti-2'))
  await revocations.lift(id, 'admin')
  await revocations.revoke(token('jti-3'))
})

test('a request that names nothing that can be revoked is refused', async () => {
  const { process, store } = createWorld()
  const revocations = await process()
  const good = token('jti-1')
  const bad: readonly Partial<Record<keyof RevokeRequest, unknown>>[] = [
    { kind: 'planet' },
    { value: '' },
    { value: 'x'.repeat(1025) },
    { value: 'line\nbreak' },
    { value: '\ud800' },
    { issuer: undefined },
    { issuer: '' },
    { kind: 'subject', issuer: undefined },
    { by: '' },
    { reason: '' },
    { reason: 'x'.repeat(257) },
    { expiresInSeconds: 0 },
    { expiresInSeconds: 1.5 },
    { expiresInSeconds: Infinity },
  ]
  for (const change of bad) {
    const request = { ...good, ...change } as RevokeRequest
    await assert.rejects(revocations.revoke(request), refused('invalid'), JSON.stringify(change))
  }
  assert.deepEqual(await store.list(''), [])
})
