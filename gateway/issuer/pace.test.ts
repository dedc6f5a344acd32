import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { createPace, isBeginning, MAX_BEGUN, tooManyBegun } from './pace.ts'

test('So much may be begun from one network in a minute, and no more', async () => {
  const { clock, store, now } = memoryStore()
  clock.nowMs = 1_800_000_000_000
  const mayBegin = createPace({ store, now })
  for (let at = 0; at < MAX_BEGUN; at++) {
    assert.ok(await mayBegin(`2001:db8::${(at % 9) + 1}`))
  }
  assert.equal(await mayBegin('2001:db8::ffff'), false)
  assert.ok(await mayBegin('2001:db8:0:1::1'))
  clock.nowMs += 60_000
  assert.ok(await mayBegin('2001:db8::1'))
})

test('What makes us keep rows for nobody is a beginning; what goes on with one is not', () => {
  for (const [method, path] of [
    ['GET', '/oauth/authorize'],
    ['POST', '/oauth/authorize'],
    ['POST', '/oauth/par'],
    ['POST', '/oauth/device-code'],
    ['GET', '/oauth/device'],
    ['GET', '/oauth/sign-in/with/corp'],
    ['GET', '/oauth/ui/abc/with/corp'],
  ] as const) {
    assert.ok(isBeginning(method, path), `${method} ${path}`)
  }
  for (const [method, path] of [
    ['GET', '/oauth/authorize/abc'],
    ['POST', '/oauth/token'],
    ['POST', '/oauth/device'],
    ['POST', '/oauth/ui/abc'],
    ['GET', '/oauth/callback/corp'],
  ] as const) {
    assert.ok(!isBeginning(method, path), `${method} ${path}`)
  }
})

test('A client is told in JSON to wait, a person on a page', () => {
  for (const path of ['/oauth/par', '/oauth/authorize']) {
    const { status, headers, body } = tooManyBegun(path)
    assert.equal(status, 429)
    assert.ok(headers.includes('retry-after'))
    assert.equal(body.startsWith('{'), path === '/oauth/par')
  }
})
