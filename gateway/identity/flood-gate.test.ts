import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFloodGate, FAILURE_BURST, FAILURES_PER_SECOND, MAX_AT_ONCE } from './flood-gate.ts'

function gateAt(start: number) {
  const clock = { nowMs: start }
  return { clock, gate: createFloodGate(() => clock.nowMs) }
}

/** How many failures an address may have in a row. */
function failuresOf(gate: ReturnType<typeof createFloodGate>, address: string): number {
  let failures = 0
  while (failures < 10_000 && gate.countFailure(address)) failures += 1
  return failures
}

test('64 verifications run at once, and the 65th only when a place is given back', () => {
  const { gate } = gateAt(0)
  for (let at = 0; at < MAX_AT_ONCE; at += 1) assert.ok(gate.enter(`192.0.2.${at}`))
  assert.ok(!gate.enter('198.51.100.1'))
  gate.leave()
  assert.ok(gate.enter('198.51.100.1'))
  assert.ok(!gate.enter('198.51.100.1'))
})

test('an address has 100 failures in a row and then none', () => {
  const { gate } = gateAt(0)
  assert.equal(failuresOf(gate, '192.0.2.1'), FAILURE_BURST)
  assert.ok(!gate.enter('192.0.2.1'))
  assert.ok(gate.enter('192.0.2.2'), 'another address is not concerned')
})

test('failures come back at 20 a second and never above the burst', () => {
  const { gate, clock } = gateAt(0)
  failuresOf(gate, '192.0.2.1')
  clock.nowMs += 49
  assert.ok(!gate.enter('192.0.2.1'))
  clock.nowMs += 1
  assert.ok(gate.enter('192.0.2.1'))
  clock.nowMs += 950
  assert.equal(failuresOf(gate, '192.0.2.1'), FAILURES_PER_SECOND)
  clock.nowMs += 3_600_000
  assert.equal(failuresOf(gate, '192.0.2.1'), FAILURE_BURST)
})

test('a success costs nothing', () => {
  const { gate } = gateAt(0)
  for (let at = 0; at < 10_000; at += 1) {
    assert.ok(gate.enter('192.0.2.1'))
    gate.leave()
  }
  assert.equal(failuresOf(gate, '192.0.2.1'), FAILURE_BURST)
})

test('a clock set back neither refills nor empties a bucket', () => {
  const { gate, clock } = gateAt(1_000_000)
  failuresOf(gate, '192.0.2.1')
  clock.nowMs = 0
  assert.ok(!gate.enter('192.0.2.1'))
  clock.nowMs = 50
  assert.ok(gate.enter('192.0.2.1'))
})

test('addresses of one IPv6 /64 share a bucket, those of another do not', () => {
  const { gate } = gateAt(0)
  failuresOf(gate, '2001:db8:1:2::1')
  for (const same of [
    '2001:db8:1:2::ffff',
    '2001:db8:1:2:3:4:5:6',
    '2001:DB8:1:2::',
    '2001:db8:1:2::1%eth0',
  ]) {
    assert.ok(!gate.enter(same), same)
  }
  for (const other of ['2001:db8:1:3::1', '2001:db8:1::2', '::1', '2001:db8::1:2:0:1']) {
    assert.ok(gate.enter(other), other)
  }
})

test('an IPv4 address mapped into IPv6 is that address', () => {
  const { gate } = gateAt(0)
  failuresOf(gate, '::ffff:192.0.2.1')
  assert.ok(!gate.enter('192.0.2.1'))
  assert.ok(gate.enter('::ffff:192.0.2.2'))
})

test('a flood from a hundred thousand addresses does not clear the bucket of one that goes on', () => {
  const { gate } = gateAt(0)
  failuresOf(gate, '192.0.2.1')
  for (let at = 0; at < 100_000; at += 1) {
    gate.countFailure(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`)
    if (at % 1_000 === 0) assert.ok(!gate.enter('192.0.2.1'))
  }
})

test('whether an address may fail is asked without a cost, and nobody else is meant', () => {
  let nowMs = 0
  const gate = createFloodGate(() => nowMs)
  for (let asked = 0; asked < 2 * FAILURE_BURST; asked++) assert.ok(gate.mayFail('192.0.2.1'))
  for (let failed = 0; failed < FAILURE_BURST; failed++) gate.countFailure('192.0.2.1')
  assert.ok(!gate.mayFail('192.0.2.1') && gate.mayFail('192.0.2.2'))
  nowMs += 1_000
  assert.ok(gate.mayFail('192.0.2.1'))
})
