import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoryStore } from '../testkit/memory-store.ts'
import { createPace, isBeginning, MAX_BEGUN, tooFast } from './pace.ts'

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
  const told = (path: string, type: RegExp): void => {
    const { status, headers } = tooFast(path, 7)
    assert.equal(status, 429)
    assert.equal(headers[headers.indexOf('retry-after') + 1], '7')
    assert.match(headers[headers.indexOf('content-type') + 1] ?? '', type, path)
  }
  const programs = [
    'par',
    'device-code',
    'token',
    'revoke',
    'introspect',
    'register',
    'register/c_1',
  ]
  for (const name of programs) told(`/oauth/${name}`, /json/)
  told('/.well-known/oauth-authorization-server', /json/)
  told('/oauth/backchannel-logout/corp', /json/)
  for (const name of [
    'authorize',
    'authorize/x',
    'device',
    'ui/x',
    'callback/corp',
    'sign-in',
    'access',
  ])
    told(`/oauth/${name}`, /html/)
})
