import assert from 'node:assert/strict'
import { MAX_KEY_BYTES, MAX_MESSAGE_BYTES, MAX_TTL_MS, MAX_VALUE_BYTES } from './arguments.ts'
import type { Rule } from './contract-rule.ts'
import { storeError } from './contract-rule.ts'

/** What no driver takes. */
export function testBounds(rule: Rule): void {
  rule('keys and values out of bounds are refused and change nothing', async (store) => {
    const longest = 'k'.repeat(MAX_KEY_BYTES)
    await store.put(longest, 'fits')
    const invalid = storeError('invalid')
    const tooLarge = storeError('too_large')
    await assert.rejects(store.put('', 'value'), invalid)
    await assert.rejects(store.get(`${longest}k`), tooLarge)
    await assert.rejects(store.put('ü'.repeat(MAX_KEY_BYTES / 2 + 1), 'value'), tooLarge)
    await assert.rejects(store.put('a/b', 'v'.repeat(MAX_VALUE_BYTES + 1)), tooLarge)
    await assert.rejects(store.put('a/\ud800', 'value'), invalid)
    await assert.rejects(store.put('a/b', 'zero \0'), invalid)
    await assert.rejects(store.cas('a/b', 0, '\udc00'), invalid)
    await assert.rejects(store.publish('news', 'm'.repeat(MAX_MESSAGE_BYTES + 1)), tooLarge)
    assert.deepEqual(
      (await store.list('')).map(({ key }) => key),
      [longest],
    )
  })

  rule('numbers out of bounds are refused', async (store) => {
    const invalid = storeError('invalid')
    for (const ttlMs of [0, -1, Number.NaN, Infinity, MAX_TTL_MS + 1]) {
      await assert.rejects(store.put('a/b', 'value', { ttlMs }), invalid)
      await assert.rejects(store.lease('a/b', 'holder', ttlMs), invalid)
      await assert.rejects(store.count('a/b', 1, ttlMs), invalid)
    }
    for (const limit of [0, 1001, 1.5]) await assert.rejects(store.list('', { limit }), invalid)
    for (const version of [-1, 0.5]) await assert.rejects(store.cas('a/b', version, ''), invalid)
    for (const by of [0.5, Number.NaN]) await assert.rejects(store.count('a/b', by, 1), invalid)
    await store.count('a/b', Number.MAX_SAFE_INTEGER, 1000)
    await assert.rejects(store.count('a/b', 1, 1000), invalid)
    assert.equal(await store.count('a/b', -1, 1000), Number.MAX_SAFE_INTEGER - 1)
  })
}

/** Clearing away, and the end. */
export function testSweepAndClose(rule: Rule): void {
  rule('a sweep removes what has ended, says how much, and nothing else', async (store, clock) => {
    await store.put('a/ends', 'value', { ttlMs: 10 })
    await store.put('a/stays', 'value', { ttlMs: 11 })
    await store.put('a/always', 'value')
    await store.lease('a/ends', 'holder', 10)
    await store.count('a/ends', 1, 10)
    clock.nowMs += 10
    assert.equal(await store.sweep(), 3)
    assert.equal(await store.sweep(), 0)
    assert.deepEqual(
      (await store.list('')).map(({ key }) => key),
      ['a/always', 'a/stays'],
    )
  })

  rule('a closed store refuses everything, and closing again is harmless', async (store) => {
    const closed = storeError('closed')
    await store.put('a/b', 'value')
    await store.close()
    await store.close()
    await assert.rejects(store.get('a/b'), closed)
    await assert.rejects(store.put('a/b', 'value'), closed)
    await assert.rejects(store.list(''), closed)
    await assert.rejects(store.publish('news', 'one'), closed)
    await assert.rejects(store.sweep(), closed)
    assert.throws(() => store.subscribe('news', () => undefined), closed)
  })
}
