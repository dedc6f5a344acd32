import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { createLocalJWKSet, jwtVerify } from 'jose'

import type { Stored } from '../model/store.ts'
import { signJwt } from './sign-jwt.ts'
import { openSigningKeys, type SigningKeysOptions } from './signing-keys.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** A store of one value with compare-and-set, which is all that the ring needs. */
function oneValue(): SigningKeysOptions['store'] & { readonly text: () => string } {
  let stored: Stored | undefined
  const partial = {
    get: async () => stored,
    cas: async (_key: string, expected: number, value: string) => {
      if ((stored?.version ?? 0) !== expected) return false
      stored = { value, version: expected + 1 }
      return true
    },
    text: () => stored?.value ?? '',
  }
  return partial as unknown as ReturnType<typeof oneValue>
}

function setup(store = oneValue(), mark = 'sealed:') {
  const clock = { nowMs: 1_000_000 }
  const options: SigningKeysOptions = {
    store,
    seal: (text) => mark + Buffer.from(text).toString('hex'),
    open: (sealed) =>
      sealed.startsWith(mark)
        ? Buffer.from(sealed.slice(mark.length), 'hex').toString()
        : undefined,
    isLasting: true,
    now: () => clock.nowMs,
  }
  return { clock, store, options }
}

test('A token signed by the ring verifies with the published set and with nothing else', async () => {
  const { options } = setup()
  const keys = await openSigningKeys(options)
  const token = signJwt({ iss: 'https://gw.example', aud: 'files' }, keys.current(), 'at+jwt')
  const published = createLocalJWKSet({ keys: keys.jwks().keys as never })
  const { payload, protectedHeader } = await jwtVerify(token, published, { audience: 'files' })
  assert.equal(payload.iss, 'https://gw.example')
  assert.equal(protectedHeader.typ, 'at+jwt')
  const others = await openSigningKeys(setup().options)
  const foreign = createLocalJWKSet({ keys: others.jwks().keys as never })
  await assert.rejects(jwtVerify(token, foreign))
})

test('The published set holds no private part', async () => {
  const keys = await openSigningKeys(setup().options)
  assert.ok(!JSON.stringify(keys.jwks()).includes('"d"'))
})

test('A second process signs with the same key, which is its thumbprint in the header', async () => {
  const { options } = setup()
  const [one, other] = [await openSigningKeys(options), await openSigningKeys(options)]
  assert.equal(one.current().kid, other.current().kid)
  const { crv, kty, x, y } = one.current().publicJwk
  const digest = createHash('sha256').update(JSON.stringify({ crv, kty, x, y }))
  assert.equal(one.current().kid, digest.digest('base64url'))
})

test('A new key is published 20 minutes before it signs, and the old one an hour after it last did', async () => {
  const { clock, options } = setup()
  const keys = await openSigningKeys(options)
  const first = keys.current().kid
  clock.nowMs += 30 * DAY - 20 * MINUTE
  await keys.refresh()
  assert.equal(keys.jwks().keys.length, 2)
  assert.equal(keys.current().kid, first)
  clock.nowMs += 20 * MINUTE - 1
  assert.equal(keys.current().kid, first)
  clock.nowMs += 1
  const second = keys.current().kid
  assert.notEqual(second, first)
  clock.nowMs += 60 * MINUTE - 1
  await keys.refresh()
  assert.deepEqual(
    keys.jwks().keys.map(({ kid }) => kid),
    [second, first],
  )
  clock.nowMs += 1
  await keys.refresh()
  assert.deepEqual(
    keys.jwks().keys.map(({ kid }) => kid),
    [second],
  )
})

test('A rotation by one process is taken up by another, and they change at the same time', async () => {
  const { clock, options } = setup()
  const [one, other] = [await openSigningKeys(options), await openSigningKeys(options)]
  await one.rotate()
  await other.refresh()
  const before = other.current().kid
  clock.nowMs += 20 * MINUTE
  assert.notEqual(other.current().kid, before)
  assert.equal(other.current().kid, one.current().kid)
})

test('A ring that does not change stays the same array', async () => {
  const { options } = setup()
  const keys = await openSigningKeys(options)
  const [before] = keys.all()
  await keys.refresh()
  assert.equal(keys.all()[0], before)
})

test('Private keys are in the store only sealed, and sealed anew on request', async () => {
  const { options, store } = setup()
  const keys = await openSigningKeys(options)
  assert.ok(store.text().includes('"sealed:'))
  const other = { ...options, seal: (text: string) => `new:${Buffer.from(text).toString('hex')}` }
  const kid = keys.current().kid
  const again = await openSigningKeys(other)
  await again.reseal()
  assert.ok(!store.text().includes('"sealed:') && store.text().includes('"new:'))
  assert.equal(again.current().kid, kid)
})

test('A ring sealed with a key that is gone stops the start, and is replaced only where keys end with the process', async () => {
  const { store, options } = setup()
  const kid = (await openSigningKeys(options)).current().kid
  const stranger = setup(store, 'other:').options
  await assert.rejects(openSigningKeys(stranger), /put it back behind the current one/)
  const replaced = await openSigningKeys({ ...stranger, isLasting: false })
  assert.notEqual(replaced.current().kid, kid)
  const lasting = await openSigningKeys(options)
  assert.ok(![kid, replaced.current().kid].includes(lasting.current().kid))
})
