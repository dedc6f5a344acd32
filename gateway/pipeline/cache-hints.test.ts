/** How long, and for whom, a client of the modern era may keep what it is shown. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Permit } from '../model/permit.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import { isFiltered } from './forward.ts'
import { showMessage } from './show-message.ts'

const NOW_MS = 1_000_000

type Hints = { readonly ttlMs?: unknown; readonly cacheScope?: unknown }

/** What a caller whose token lives so long is told. */
function told(result: unknown, leftMs: number, rules: Parameters<typeof testDesk>[0] = []): Hints {
  const caller = testCaller({ expiresAtSeconds: (NOW_MS + leftMs) / 1_000 })
  const call = { era: 'modern', method: 'tools/list', targets: [] }
  const permit = { caller, server: testServer(), call } as unknown as Permit
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))
  const desk = { ...testDesk(rules), now: () => NOW_MS }
  const showing = { bytes, id: '1', permit, seat: testSeat(), answers: 'this_call' } as const
  const shown = showMessage(showing, desk)
  assert.ok(shown.ok)
  return (JSON.parse(Buffer.from(shown.bytes).toString()) as { result: Hints }).result
}

const LONG = { ttlMs: 86_400_000, cacheScope: 'public' }

test('what clients keep is private and kept for a minute at most, whatever the token', () => {
  for (const kept of [
    { tools: [] },
    { prompts: [] },
    { resources: [] },
    { resourceTemplates: [] },
    { contents: [] },
    { supportedVersions: [] },
  ]) {
    for (const leftMs of [60_000, 3_600_000, Infinity]) {
      const { ttlMs, cacheScope } = told({ ...kept, ...LONG }, leftMs)
      assert.deepEqual([ttlMs, cacheScope], [60_000, 'private'])
    }
  }
})

test('nothing is kept longer than the token lives, and nothing at all once it has ended', () => {
  const ttlMs = (leftMs: number, own = 86_400_000): unknown =>
    told({ tools: [], ttlMs: own }, leftMs).ttlMs
  assert.deepEqual([ttlMs(59_999), ttlMs(1_000), ttlMs(0), ttlMs(-5_000)], [59_999, 1_000, 0, 0])
  assert.equal(ttlMs(59_999, 10), 10)
})

test('what holds such hints is read whole before it is shown', () => {
  for (const method of [
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'server/discover',
  ]) {
    assert.ok(isFiltered(method), method)
  }
  assert.ok(!isFiltered('tools/call'))
})

test('what clients keep is kept no longer than until a window of some rule opens or closes', () => {
  const windowed = (during: object) => [
    { id: 'a', effect: 'allow', subjects: [{ any: true }], tools: ['docs/x'], during },
  ]
  const day = 86_400_000
  const at = (ms: number): string => new Date(NOW_MS + ms).toISOString().slice(0, 19) + 'Z'
  const ttlMs = (during: object): unknown =>
    told({ tools: [], ttlMs: day }, day, windowed(during)).ttlMs
  assert.equal(ttlMs({ until: at(20_000) }), 20_000)
  assert.equal(ttlMs({ from: at(30_000) }), 30_000)
  assert.equal(ttlMs({ until: at(90_000) }), 60_000)
})
