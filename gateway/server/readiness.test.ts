import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REVOCATIONS_STALE_AFTER_SECONDS } from '../registry/revocations.ts'
import { NO_PRESSURE } from './pressure.ts'
import { readinessOf, STORE_AWAY_AFTER_SECONDS } from './readiness.ts'

const CALM = {
  load: { pressure: NO_PRESSURE, usage: { loopDelayMs: 0, heap: 0, memory: 0, descriptors: 0 } },
  sharedBuckets: undefined,
}

type More = Pick<Parameters<typeof readinessOf>[0]['plant'], 'load' | 'sharedBuckets'>

function readyAfter(staleForSeconds: number, more: More = CALM) {
  const health = () => ({ ok: true, buffered: 0, oldestMs: 0, failures: 0, lost: 0 })
  const plant = { audit: { health }, revocations: { staleForSeconds }, ...more }
  const lastReload = { ok: true, problems: [], atMs: 0 }
  return readinessOf({ plant, lastReload, draining: false })
}

test('a store that is away is a warning at once, and out of service only when the revocations are stale', () => {
  const states = [
    [STORE_AWAY_AFTER_SECONDS, 'ok', 'ok', true],
    [STORE_AWAY_AFTER_SECONDS + 1, 'warn', 'ok', true],
    [REVOCATIONS_STALE_AFTER_SECONDS, 'warn', 'ok', true],
    [REVOCATIONS_STALE_AFTER_SECONDS + 1, 'warn', 'fail', false],
  ] as const
  for (const [seconds, store, revocations, isReady] of states) {
    const { ready, checks } = readyAfter(seconds)
    const told = [checks['store']?.state, checks['revocations']?.state, ready]
    assert.deepEqual(told, [store, revocations, isReady], `${seconds} s`)
  }
  assert.match(readyAfter(6).checks['store']?.detail ?? '', /no answer for 6 s/)
})

test('a process that turns streams away warns, and one that turns everything away is out of service', () => {
  const usage = { loopDelayMs: 5, heap: 0.94, memory: 0, descriptors: 0.1 }
  const under = (sheds: 'streams' | 'everything') => {
    const load = { pressure: { sheds, resource: 'heap', above: 0 } as const, usage }
    const { ready, checks } = readyAfter(0, { ...CALM, load })
    return [ready, checks['load']?.state, checks['load']?.detail]
  }
  assert.deepEqual(under('streams'), [
    true,
    'warn',
    '94 % of heap is used: new streams are turned away',
  ])
  assert.deepEqual(under('everything'), [
    false,
    'fail',
    '94 % of heap is used: everything new is turned away',
  ])
})

test('limits that are shared with nobody for now are a warning, and no check where they never are', () => {
  assert.equal(readyAfter(0).checks['limits'], undefined)
  for (const [away, state] of [
    [false, 'ok'],
    [true, 'warn'],
  ] as const) {
    const sharedBuckets = { health: { away, processes: 3 } }
    const { ready, checks } = readyAfter(0, { ...CALM, sharedBuckets })
    assert.deepEqual([ready, checks['limits']?.state], [true, state])
  }
})
