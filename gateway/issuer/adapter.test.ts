import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import type { AdapterOptions } from './adapter.ts'
import { createAdapter, REFRESH_GRACE_MS, SPENT_MS } from './adapter.ts'
import { createRequestMemory } from './request-memory.ts'
import { createRefreshNames } from './refresh-names.ts'
import { createRows } from './rows.ts'

const SECONDS = 600

function setup() {
  const { clock, store, now } = memoryStore()
  const rows = createRows({
    store,
    sealing: () => ({
      seal: (bound, text) => Buffer.from(JSON.stringify([bound, text])).toString('base64'),
      open: (bound, sealed) => {
        const [for_, text] = JSON.parse(Buffer.from(sealed, 'base64').toString()) as [
          unknown,
          string,
        ]
        return JSON.stringify(for_) === JSON.stringify(bound) ? text : undefined
      },
    }),
  })
  const names = createRefreshNames(() => ['key'])
  const revoked: string[] = []
  const served: { by: object | undefined } = { by: undefined }
  const options: AdapterOptions = {
    rows,
    store,
    seen: createRequestMemory(() => served.by),
    now,
    clients: {
      find: async () => undefined,
      write: async () => {},
      remove: async () => {},
      attach: async (id, _row, write) => {
        if (id === 'agent') await write(SECONDS * 1_000)
      },
    },
    revokeGrant: async (grant) => void revoked.push(grant),
    presentedToken: () => undefined,
    grantOfRefresh: names.grantOf,
    revokeToken: async () => {},
  }
  const payload = (kind: string) => ({
    kind,
    grantId: 'g1',
    exp: Math.floor(clock.nowMs / 1_000) + SECONDS,
  })
  return {
    clock,
    names,
    store,
    revoked,
    served,
    payload,
    adapter: (model: string) => createAdapter(model, options),
  }
}

test('A code is spent once, and using it again ends what the first use brought', async () => {
  const { adapter, payload, revoked } = setup()
  const codes = adapter('AuthorizationCode')
  await codes.upsert('code-1', payload('AuthorizationCode'), SECONDS)
  await codes.consume('code-1')
  const found = await codes.find('code-1')
  assert.ok(found?.consumed !== undefined)
  assert.deepEqual(revoked, [])
  await assert.rejects(async () => codes.consume('code-1'))
  assert.deepEqual(revoked, ['g1'])
})

test('What a request has found of a code is no reason to take the code when another one spent it since', async () => {
  const { adapter, payload, revoked, served } = setup()
  const codes = adapter('AuthorizationCode')
  await codes.upsert('code-1', payload('AuthorizationCode'), SECONDS)
  const [one, other] = [{}, {}]
  for (const request of [one, other]) {
    served.by = request
    assert.equal((await codes.find('code-1'))?.consumed, undefined)
  }
  await codes.consume('code-1')
  served.by = one
  await assert.rejects(async () => codes.consume('code-1'))
  assert.deepEqual(revoked, ['g1'])
})

test('Whoever was first with a code that was used twice gets nothing more by its refresh token', async () => {
  const { adapter, payload } = setup()
  await adapter('Grant').upsert('g1', payload('Grant'), SECONDS)
  await adapter('AuthorizationCode').upsert('code-1', payload('AuthorizationCode'), SECONDS)
  await adapter('AuthorizationCode').consume('code-1')
  await adapter('RefreshToken').upsert('token-1', payload('RefreshToken'), SECONDS)
  await assert.rejects(async () => adapter('AuthorizationCode').consume('code-1'))
  assert.equal(await adapter('RefreshToken').find('token-1'), undefined)
  // Nor by one that was on its way meanwhile.
  assert.equal(await adapter('Grant').find('g1'), undefined)
})

test('Of twenty who use a code at once one is first', async () => {
  const { adapter, payload } = setup()
  const codes = adapter('AuthorizationCode')
  await codes.upsert('code-1', payload('AuthorizationCode'), SECONDS)
  const tries = Array.from({ length: 20 }, async () => codes.consume('code-1'))
  const results = await Promise.allSettled(tries)
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('A refresh token may be used again within its grace, and is used up after it', async () => {
  const { adapter, clock, payload } = setup()
  const tokens = adapter('RefreshToken')
  await tokens.upsert('token-1', payload('RefreshToken'), SECONDS)
  await tokens.consume('token-1')
  clock.nowMs += REFRESH_GRACE_MS
  await tokens.consume('token-1')
  assert.equal((await tokens.find('token-1'))?.consumed, undefined)
  clock.nowMs += 1
  assert.ok((await tokens.find('token-1'))?.consumed !== undefined)
})

test('A refresh token that is made again stays as used as it is', async () => {
  const { adapter, clock, payload } = setup()
  const tokens = adapter('RefreshToken')
  await tokens.upsert('token-1', payload('RefreshToken'), SECONDS)
  await tokens.consume('token-1')
  clock.nowMs += REFRESH_GRACE_MS + 1
  await tokens.upsert('token-1', payload('RefreshToken'), SECONDS)
  assert.ok((await tokens.find('token-1'))?.consumed !== undefined)
})

test('Of a refresh token that was used long ago nothing is kept, and it is known for used by one that came after it', async () => {
  const { adapter, clock, names, payload, store } = setup()
  const tokens = adapter('RefreshToken')
  const life = 14 * 86_400
  const exp = Math.floor(clock.nowMs / 1_000) + life
  const first = names.first('g1')
  let last = first
  await tokens.upsert(first, { ...payload('RefreshToken'), clientId: 'agent', exp }, life)
  for (let rotations = 1; rotations <= 100; rotations++) {
    await tokens.consume(last)
    last = names.after(last, 'g1')
    const next = { ...payload('RefreshToken'), clientId: 'agent', exp, rotations }
    await tokens.upsert(last, next, life)
    clock.nowMs += SPENT_MS
  }
  // The one that counts, and eight keys of the last ones.
  assert.equal((await store.list('oauth/', { limit: 1_000 })).length, 9)
  const found = await tokens.find(first)
  assert.deepEqual([found?.jti, found?.clientId, found?.grantId], [first, 'agent', 'g1'])
  assert.ok(found?.consumed !== undefined)
  assert.equal((await tokens.find(last))?.consumed, undefined)
})

test('No token comes before one of a grant of others, one that has ended, or one that was ended', async () => {
  const { adapter, clock, names, payload } = setup()
  const tokens = adapter('RefreshToken')
  const [used, other] = [names.first('g1'), names.first('g2')]
  await tokens.upsert(used, payload('RefreshToken'), SECONDS)
  await tokens.consume(used)
  const last = names.after(used, 'g1')
  await tokens.upsert(last, { ...payload('RefreshToken'), rotations: 1 }, SECONDS)
  const madeUp = `${used.slice(0, 43)}${last.slice(43)}`
  for (const text of ['anything', madeUp, other]) assert.equal(await tokens.find(text), undefined)
  clock.nowMs += SPENT_MS + 1
  assert.ok((await tokens.find(used))?.consumed !== undefined)
  clock.nowMs += SECONDS * 1_000
  assert.equal(await tokens.find(used), undefined)
  assert.equal(await tokens.find(last), undefined)
  await tokens.upsert(names.first('g1'), payload('RefreshToken'), SECONDS)
  assert.ok(await tokens.find(used))
  await tokens.revokeByGrantId('g1')
  assert.equal(await tokens.find(used), undefined)
})

test('Ending a grant removes everything of it and nothing of another', async () => {
  const { adapter, payload, store } = setup()
  const tokens = adapter('DeviceCode')
  for (let at = 0; at < 300; at++) await tokens.upsert(`t${at}`, payload('DeviceCode'), SECONDS)
  await tokens.upsert('other', { ...payload('DeviceCode'), grantId: 'g2' }, SECONDS)
  await tokens.revokeByGrantId('g1')
  assert.equal(await tokens.find('t0'), undefined)
  assert.equal(await tokens.find('t299'), undefined)
  assert.ok(await tokens.find('other'))
  assert.equal((await store.list('oauth/', { limit: 1000 })).length, 2)
})

test('The store holds neither the text of a token nor its id', async () => {
  const { adapter, payload, store } = setup()
  await adapter('RefreshToken').upsert('secret-token', payload('RefreshToken'), SECONDS)
  const rows = await store.list('')
  for (const { key, value } of rows) {
    const plain = Buffer.from(value, 'base64').toString()
    assert.ok(![key, value, plain].some((text) => text.includes('secret-token')))
  }
})

test('A browser session is found by its public id until it ends', async () => {
  const { adapter } = setup()
  const sessions = adapter('Session')
  await sessions.upsert('cookie', { kind: 'Session', uid: 'u1' }, SECONDS)
  const found = await sessions.findByUid('u1')
  assert.equal(found?.jti, 'cookie')
  await sessions.destroy('cookie')
  assert.equal(await sessions.findByUid('u1'), undefined)
})

test('A registration token ends with its client, and is not kept for one that has ended', async () => {
  const { adapter, clock, store } = setup()
  const tokens = adapter('RegistrationAccessToken')
  await tokens.upsert('token-1', { clientId: 'agent' }, undefined)
  await tokens.upsert('token-2', { clientId: 'ended' }, undefined)
  assert.equal((await tokens.find('token-1'))?.clientId, 'agent')
  assert.equal(await tokens.find('token-2'), undefined)
  clock.nowMs += SECONDS * 1_000
  assert.deepEqual(await store.list(''), [])
})
