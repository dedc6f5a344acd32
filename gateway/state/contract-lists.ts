import assert from 'node:assert/strict'
import type { Rule } from './contract-rule.ts'

/** Prefixes, order and pages. */
export function testLists(rule: Rule): void {
  rule(
    'a list holds the keys of its prefix only, in the order of their code points',
    async (store) => {
      const inOrder = [
        'p/',
        'p/!',
        'p/a',
        'p/a/b',
        'p/b',
        'p/é',
        'p/\uffff',
        'p/🗝️',
        'p/\u{10ffff}x',
      ]
      for (const key of inOrder.toReversed()) await store.put(key, `value of ${key}`)
      for (const key of ['p', 'o/z', 'p0', 'P/a', 'q/']) await store.put(key, 'outside')
      const listed = await store.list('p/')
      assert.deepEqual(
        listed.map(({ key }) => key),
        inOrder,
      )
      assert.deepEqual(
        listed.map(({ value }) => value),
        inOrder.map((key) => `value of ${key}`),
      )
      assert.equal(listed[2]?.version, (await store.get('p/a'))?.version)
    },
  )

  rule('pattern characters in a prefix mean themselves', async (store) => {
    for (const key of ['a%/1', 'ab/1', 'a_/1', 'a*/1', 'a\u{10ffff}/1']) await store.put(key, 'x')
    for (const prefix of ['a%', 'a_', 'a*', 'a\u{10ffff}']) {
      assert.deepEqual(
        (await store.list(prefix)).map(({ key }) => key),
        [`${prefix}/1`],
      )
    }
    assert.equal((await store.list('')).length, 5)
  })

  rule('pages follow each other without gap or repetition', async (store) => {
    for (let i = 0; i < 25; i += 1) await store.put(`n/${String(i).padStart(2, '0')}`, `${i}`)
    const values: string[] = []
    let after: string | undefined
    for (;;) {
      const page = await store.list(
        'n/',
        after === undefined ? { limit: 10 } : { limit: 10, after },
      )
      values.push(...page.map(({ value }) => value))
      after = page.at(-1)?.key
      if (page.length < 10) break
    }
    assert.deepEqual(
      values,
      Array.from({ length: 25 }, (_, i) => `${i}`),
    )
  })

  rule('a page may begin after a key that is not there, or outside the prefix', async (store) => {
    for (const key of ['n/1', 'n/3', 'o/1']) await store.put(key, key)
    const keys = async (prefix: string, after: string) =>
      (await store.list(prefix, { after })).map(({ key }) => key)
    assert.deepEqual(await keys('n/', 'n/2'), ['n/3'])
    assert.deepEqual(await keys('n/', 'a'), ['n/1', 'n/3'])
    assert.deepEqual(await keys('n/', 'z'), [])
  })

  rule(
    'a list holds 100 entries unless told otherwise, and no expired ones',
    async (store, clock) => {
      for (let i = 0; i < 60; i += 1) await store.put(`n/a${i}`, 'ends', { ttlMs: 10 })
      for (let i = 0; i < 101; i += 1) await store.put(`n/b${i}`, 'stays')
      clock.nowMs += 10
      const listed = await store.list('n/')
      assert.equal(listed.length, 100)
      assert.ok(listed.every(({ value }) => value === 'stays'))
      assert.equal((await store.list('n/', { limit: 1000 })).length, 101)
    },
  )
}
