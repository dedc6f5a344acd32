import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testServer } from '../testkit/pipeline.ts'
import { erasOf, NOTHING_KNOWN, spokenAsConfigured, versionsOf } from './spoken.ts'

const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']

test('a server that is to be asked speaks nothing that anybody knows of', () => {
  assert.equal(spokenAsConfigured(testServer({ eras: 'probe' })), NOTHING_KNOWN)
  assert.equal(erasOf(NOTHING_KNOWN), 'unknown')
  assert.deepEqual(versionsOf(NOTHING_KNOWN), [])
})

test('configured eras stand for all their versions', () => {
  const spoken = (eras: 'legacy' | 'modern' | 'both') => spokenAsConfigured(testServer({ eras }))
  assert.deepEqual(spoken('legacy'), { legacy: LEGACY, modern: [] })
  assert.deepEqual(spoken('modern'), { legacy: [], modern: ['2026-07-28'] })
  assert.deepEqual(versionsOf(spoken('both')), ['2026-07-28', ...LEGACY])
})

test('HTTP+SSE and WebSocket are legacy whatever is configured', () => {
  for (const transport of ['sse', 'websocket'] as const) {
    const upstream = { ...testServer().upstream, transport }
    for (const eras of ['probe', 'both'] as const) {
      assert.equal(erasOf(spokenAsConfigured(testServer({ upstream, eras }))), 'legacy')
    }
  }
})

test('half an answer is none, and a server of no era has not been understood', () => {
  assert.equal(erasOf({ legacy: ['2025-11-25'], modern: undefined }), 'unknown')
  assert.equal(erasOf({ legacy: undefined, modern: [] }), 'unknown')
  assert.equal(erasOf({ legacy: [], modern: [] }), 'unknown')
})
