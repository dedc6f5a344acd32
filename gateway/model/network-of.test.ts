import assert from 'node:assert/strict'
import { test } from 'node:test'

import { networkOf } from './network-of.ts'

test('Addresses of one IPv6 /64 are one place, however they are written, and others are not', () => {
  assert.equal(networkOf('2001:db8::1:2:3:4'), networkOf('2001:db8::5'))
  assert.equal(networkOf('2001:db8::'), networkOf('2001:DB8:0:0:ffff::1'))
  assert.notEqual(networkOf('2001:db8::1:0:0:0:1'), networkOf('2001:db8::5'))
  assert.notEqual(networkOf('2001:db8:0:1::5'), networkOf('2001:db8::5'))
})

test('An IPv4 address is a place of its own, also where it is written as IPv6', () => {
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1')
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
})
