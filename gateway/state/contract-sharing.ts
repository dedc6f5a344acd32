import assert from 'node:assert/strict'
import type { Rule } from './contract-rule.ts'

/** Who may do a thing that only one should do. */
export function testLeases(rule: Rule): void {
  rule('a lease has one holder until it is released or ends', async (store, clock) => {
    assert.equal(await store.lease('job/a', 'first', 1000), true)
    assert.equal(await store.lease('job/a', 'second', 1000), false)
    assert.equal(await store.lease('job/b', 'second', 1000), true)
    clock.nowMs += 1000
    assert.equal(await store.lease('job/a', 'second', 1000), true)
    assert.equal(await store.lease('job/a', 'first', 1000), false)
    await store.release('job/a', 'second')
    assert.equal(await store.lease('job/a', 'first', 1000), true)
  })

  rule('its holder renews a lease from the time of renewal', async (store, clock) => {
    await store.lease('job/a', 'first', 1000)
    clock.nowMs += 900
    assert.equal(await store.lease('job/a', 'first', 1000), true)
    clock.nowMs += 900
    assert.equal(await store.lease('job/a', 'second', 1000), false)
  })

  rule('a lease is not released by someone else', async (store) => {
    await store.lease('job/a', 'first', 1000)
    await store.release('job/a', 'second')
    assert.equal(await store.lease('job/a', 'second', 1000), false)
  })

  rule('one of many takes a free lease', async (store) => {
    const attempts = Array.from({ length: 50 }, (_, i) => store.lease('job/a', `holder ${i}`, 10))
    assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1)
  })
}

/** Adding without losing any. */
export function testCounters(rule: Rule): void {
  rule('a counter starts at 0, adds, and ends after its first increment', async (store, clock) => {
    assert.equal(await store.count('seen/a', 2, 1000), 2)
    clock.nowMs += 999
    assert.equal(await store.count('seen/a', 3, 1000), 5)
    assert.equal(await store.count('seen/b', -1, 1000), -1)
    clock.nowMs += 1
    assert.equal(await store.count('seen/a', 1, 1000), 1)
  })

  rule('no increment is lost among fifty at once', async (store) => {
    const totals = await Promise.all(
      Array.from({ length: 50 }, () => store.count('seen/a', 1, 1000)),
    )
    assert.deepEqual(new Set(totals), new Set(Array.from({ length: 50 }, (_, i) => i + 1)))
  })

  rule('values, leases and counters of the same key are different things', async (store) => {
    await store.put('same/key', 'value')
    assert.equal(await store.lease('same/key', 'holder', 1000), true)
    assert.equal(await store.count('same/key', 1, 1000), 1)
    assert.equal(await store.delete('same/key'), true)
    assert.equal(await store.count('same/key', 1, 1000), 2)
    assert.equal(await store.lease('same/key', 'other', 1000), false)
    assert.deepEqual(await store.list('same/'), [])
  })
}

/** Telling and hearing. */
export function testMessages(rule: Rule): void {
  rule('a message reaches every subscriber of its topic and nobody else', async (store) => {
    const heard: string[] = []
    store.subscribe('news', (message) => heard.push(`a ${message}`))
    store.subscribe('news', (message) => heard.push(`b ${message}`))
    store.subscribe('news/other', (message) => heard.push(`c ${message}`))
    await store.publish('news', 'one')
    await store.publish('nobody', 'two')
    assert.deepEqual(heard, ['a one', 'b one'])
  })

  rule('who has unsubscribed hears nothing more', async (store) => {
    const heard: string[] = []
    const listener = (message: string): void => void heard.push(message)
    const end = store.subscribe('news', listener)
    store.subscribe('news', listener)
    end()
    end()
    await store.publish('news', 'one')
    assert.deepEqual(heard, ['one'])
  })

  rule('a listener that throws keeps nobody else from hearing', async (store) => {
    const heard: string[] = []
    store.subscribe('news', () => {
      throw new Error('a mistake of the listener')
    })
    store.subscribe('news', (message) => heard.push(message))
    await store.publish('news', 'one')
    assert.deepEqual(heard, ['one'])
  })
}
