import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Spoken } from '../mcp/spoken.ts'
import { NOTHING_KNOWN } from '../mcp/spoken.ts'
import type { Call } from '../model/call.ts'
import { Refusal } from '../model/refusal.ts'
import { testCall } from '../testkit/journey.ts'
import { testServer } from '../testkit/pipeline.ts'
import { checkEra, supportedBy } from './check-era.ts'

const OLD: Spoken = { legacy: ['2025-06-18'], modern: [] }
const NEW: Spoken = { legacy: [], modern: ['2026-07-28'] }
const BOTH: Spoken = { legacy: ['2025-11-25'], modern: ['2026-07-28'] }

const MODERN = { era: 'modern', version: '2026-07-28', method: 'tools/list', id: '7' } as const
const HANDSHAKE = { era: 'legacy', version: '2025-11-25', method: 'initialize', id: '"a"' } as const
const LEGACY_CALL = { era: 'legacy', version: '2025-11-25', method: 'tools/call' } as const

/** The refusal of a call to a server that speaks this; undefined when it may go on. */
function refusalOf(over: Partial<Call>, spoken: Spoken): Refusal | undefined {
  try {
    checkEra({ ...testCall(), direction: 'up', ...over }, testServer(), { of: () => spoken })
    return undefined
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error
  }
}

test('a modern call to a legacy server is told the versions of the server, whatever its method', () => {
  for (const method of ['server/discover', 'tools/call', 'notifications/cancelled']) {
    const refusal = refusalOf({ ...MODERN, method }, OLD)
    assert.equal(refusal?.code, 'unsupported_version')
    assert.deepEqual(refusal.extra, {
      id: '7',
      data: { supported: ['2025-06-18'], requested: '2026-07-28' },
    })
  }
})

test('the handshake with a modern server is told its versions, and the client finds them in the words', () => {
  const refusal = refusalOf(HANDSHAKE, NEW)
  assert.equal(refusal?.code, 'no_initialize')
  assert.match(refusal.message, /2026-07-28/)
  assert.deepEqual(refusal.extra.data, { supported: ['2026-07-28'], requested: '2025-11-25' })
  assert.equal(refusal.extra.id, '"a"')
})

test('whatever a server speaks goes on, and so does everything to one that is not known', () => {
  for (const [call, spoken] of [
    [MODERN, NEW],
    [MODERN, BOTH],
    [HANDSHAKE, OLD],
    [HANDSHAKE, BOTH],
    [MODERN, NOTHING_KNOWN],
    [HANDSHAKE, NOTHING_KNOWN],
    [MODERN, { legacy: ['2025-11-25'], modern: undefined }],
    [HANDSHAKE, { legacy: undefined, modern: ['2026-07-28'] }],
    [MODERN, { legacy: [], modern: [] }],
    [HANDSHAKE, { legacy: [], modern: [] }],
  ] as const) {
    assert.equal(refusalOf(call, spoken), undefined)
  }
})

test('a call in a legacy session is the business of its server', () => {
  assert.equal(refusalOf(LEGACY_CALL, NEW), undefined)
})

test('what comes down is not held against what the server is known to speak', () => {
  assert.equal(refusalOf({ ...MODERN, direction: 'down' }, OLD), undefined)
})

test('a version nobody knows is answered with what this server could be asked in', () => {
  const supported = (spoken: Spoken) => supportedBy(testServer(), { of: () => spoken })
  assert.deepEqual(supported(OLD), ['2025-06-18'])
  assert.deepEqual(supported(NEW), ['2026-07-28'])
  assert.deepEqual(supported(BOTH), ['2026-07-28'])
  assert.deepEqual(supported(NOTHING_KNOWN), ['2026-07-28'])
})
