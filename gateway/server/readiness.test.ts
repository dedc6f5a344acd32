import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REVOCATIONS_STALE_AFTER_SECONDS } from '../registry/revocations.ts'
import { readinessOf, STORE_AWAY_AFTER_SECONDS } from './readiness.ts'

function readyAfter(staleForSeconds: number) {
  const health = () => ({ ok: true, buffered: 0, oldestMs: 0, failures: 0, lost: 0 })
  const plant = { audit: { health }, revocations: { staleForSeconds } }
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
