import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isLoopback } from './loopback.ts'

test('only names and addresses of this machine are loopback', () => {
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    'localhost',
    'LocalHost',
    'a.localhost',
  ]) {
    assert.equal(isLoopback(host), true, host)
  }
  const others = [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.example',
    '127.example',
    'localhost.example',
    'notlocalhost',
    '::ffff:127.0.0.1',
    '',
  ]
  for (const host of others) assert.equal(isLoopback(host), false, host)
})
