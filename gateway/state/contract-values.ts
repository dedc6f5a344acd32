import assert from 'node:assert/strict'
import { MAX_TTL_MS, MAX_VALUE_BYTES } from './arguments.ts'
import type { Rule } from './contract-rule.ts'

/** Keys that break careless drivers: patterns, quotes, other alphabets, the ends of the code space. */
const ODD_KEYS = [
  'odd/%',
  'odd/_',
  "odd/it's",
  'odd/"quoted"',
  'odd/back\\slash',
  'odd/$1?@:name',
  'odd/ space ',
  'odd/line\nbreak',
  'odd/ключ',
  'odd/鍵',
  'odd/\ud7ff',
  'odd/\uffff',
  'odd/🗝️',
  'odd/\u{10ffff}',
  'odd/__proto__',
]

/** Reading, writing, deleting, and how values end. */
export function testValues(rule: Rule): void {
  rule('a key that was never written has no value', async (store) => {
    assert.equal(await store.get('a/b'), undefined)
    assert.equal(await store.delete('a/b'), false)
  })

  rule('a value is read as it was last written', async (store) => {
    await store.put('a/b', 'one')
    await store.put('a/b', '')
    await store.put('a/c', 'other')
    assert.equal((await store.get('a/b'))?.value, '')
    assert.equal((await store.get('a/c'))?.value, 'other')
  })

  rule('a deleted value is gone, and only it', async (store) => {
    await store.put('a/b', 'one')
    await store.put('a/bc', 'two')
    assert.equal(await store.delete('a/b'), true)
    assert.equal(await store.get('a/b'), undefined)
    assert.equal(await store.delete('a/b'), false)
    assert.equal((await store.get('a/bc'))?.value, 'two')
  })

  rule('a value lives until its life is over, not a millisecond longer', async (store, clock) => {
    await store.put('a/b', 'short', { ttlMs: 1000 })
    clock.nowMs += 999
    assert.equal((await store.get('a/b'))?.value, 'short')
    clock.nowMs += 1
    assert.equal(await store.get('a/b'), undefined)
    assert.equal(await store.delete('a/b'), false)
  })

  rule('writing again replaces the life, and without one the value stays', async (store, clock) => {
    await store.put('a/b', 'short', { ttlMs: 10 })
    await store.put('a/b', 'for ever')
    clock.nowMs += MAX_TTL_MS
    assert.equal((await store.get('a/b'))?.value, 'for ever')
    await store.put('a/b', 'short', { ttlMs: 10 })
    clock.nowMs += 10
    assert.equal(await store.get('a/b'), undefined)
  })

  rule(
    'a life may be a fraction of milliseconds and ends on the next whole one',
    async (store, clock) => {
      clock.nowMs += 0.25
      await store.put('a/b', 'value', { ttlMs: 10.5 })
      assert.equal(await store.lease('a/b', 'holder', 10.5), true)
      assert.equal(await store.count('a/b', 1, 10.5), 1)
      clock.nowMs += 10
      assert.equal((await store.get('a/b'))?.value, 'value')
      assert.equal(await store.lease('a/b', 'other', 1), false)
      clock.nowMs += 1
      assert.equal(await store.get('a/b'), undefined)
      assert.equal(await store.lease('a/b', 'other', 1), true)
      assert.equal(await store.count('a/b', 1, 1), 1)
    },
  )

  rule('odd keys are kept apart and come back as they went in', async (store) => {
    for (const key of ODD_KEYS) await store.put(key, `value of ${key}`)
    for (const key of ODD_KEYS) assert.equal((await store.get(key))?.value, `value of ${key}`)
    const listed = await store.list('odd/')
    assert.deepEqual(new Set(listed.map(({ key }) => key)), new Set(ODD_KEYS))
  })

  rule('keys differ by case and by composition', async (store) => {
    await store.put('a/é', 'composed')
    await store.put('a/e\u0301', 'combining')
    await store.put('a/É', 'upper case')
    assert.equal((await store.get('a/é'))?.value, 'composed')
    assert.equal((await store.list('a/')).length, 3)
  })

  rule('a value of the largest size comes back whole', async (store) => {
    const value = 'ü"\\\n'.repeat(MAX_VALUE_BYTES / 5).padEnd(100, '.')
    await store.put('a/big', value)
    assert.equal((await store.get('a/big'))?.value, value)
  })
}

/** Versions, and writing only over the one expected. */
export function testCompareAndSet(rule: Rule): void {
  rule('a set that expects nothing writes only where nothing lives', async (store, clock) => {
    assert.equal(await store.cas('a/b', 0, 'one', { ttlMs: 10 }), true)
    assert.equal(await store.cas('a/b', 0, 'two'), false)
    assert.equal((await store.get('a/b'))?.value, 'one')
    clock.nowMs += 10
    assert.equal(await store.cas('a/b', 0, 'three'), true)
    assert.equal((await store.get('a/b'))?.value, 'three')
  })

  rule('a set writes only over the version it expects', async (store) => {
    await store.put('a/b', 'one')
    const first = await store.get('a/b')
    assert.ok(first !== undefined && first.version > 0)
    assert.equal(await store.cas('a/b', first.version + 1, 'two'), false)
    assert.equal(await store.cas('a/b', first.version, 'two'), true)
    assert.equal(await store.cas('a/b', first.version, 'three'), false)
    assert.equal((await store.get('a/b'))?.value, 'two')
    assert.equal(await store.cas('a/absent', first.version, 'four'), false)
  })

  rule('a version is never seen twice, not even after the key was gone', async (store, clock) => {
    const versions = []
    for (let round = 0; round < 3; round += 1) {
      await store.put('a/b', 'deleted')
      versions.push((await store.get('a/b'))?.version)
      await store.delete('a/b')
      await store.put('a/b', 'expired', { ttlMs: 1 })
      versions.push((await store.get('a/b'))?.version)
      clock.nowMs += 1
      await store.sweep()
    }
    assert.equal(new Set(versions).size, 6)
  })

  rule('of many that set the same version exactly one wins', async (store) => {
    const attempts = Array.from({ length: 50 }, (_, i) => store.cas('a/b', 0, `writer ${i}`))
    assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1)
  })
}

/** Values that can be had once. */
export function testConsume(rule: Rule): void {
  rule('a value is consumed by exactly one of fifty concurrent consumers', async (store) => {
    await store.put('code/1', 'once')
    const attempts = Array.from({ length: 50 }, () => store.consume('code/1'))
    const got = (await Promise.all(attempts)).filter((value) => value !== undefined)
    assert.deepEqual(got, ['once'])
    assert.equal(await store.get('code/1'), undefined)
  })

  rule('an expired value cannot be consumed', async (store, clock) => {
    await store.put('code/1', 'late', { ttlMs: 10 })
    clock.nowMs += 10
    assert.equal(await store.consume('code/1'), undefined)
  })
}
