import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awayStore } from '../testkit/away-store.ts'
import { faultAnswer } from './faults.ts'

const AWAY: unknown = await awayStore()
  .get('x')
  .catch((error: unknown) => error)

test('Where the store is away whoever asks is told when to come back, and nothing else', () => {
  for (const [path, type] of [
    ['/oauth/token', 'application/json'],
    ['/oauth/device-code', 'application/json'],
    ['/oauth/ui/x', 'text/html; charset=utf-8'],
    ['/oauth/device', 'text/html; charset=utf-8'],
  ] as const) {
    const { status, headers, body } = faultAnswer(path, AWAY)
    assert.equal(status, 503)
    assert.equal(headers[headers.indexOf('content-type') + 1], type)
    assert.equal(headers[headers.indexOf('retry-after') + 1], '5')
    assert.doesNotMatch(body, /10\.0\.0\.1|ECONN/)
  }
})

test('What is broken here is 500, and nobody is told to come back or what it was', () => {
  for (const error of [new Error('at /srv/secret.ts:3'), 'thrown', undefined]) {
    const { status, headers, body } = faultAnswer('/oauth/token', error)
    assert.equal(status, 500)
    assert.ok(!headers.includes('retry-after'))
    assert.equal((JSON.parse(body) as { error: string }).error, 'server_error')
    assert.doesNotMatch(body, /secret/)
  }
})
