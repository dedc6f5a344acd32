import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventLog } from './log-events.ts'

/** What is logged of these fetches, in order. */
function logOf(fetches: readonly (readonly [issuer: string, ok: boolean])[]): readonly string[] {
  const lines: string[] = []
  const tell = createEventLog((level, message, { issuer, detail } = {}) =>
    lines.push([level, message, issuer, detail].join(' ').trimEnd()),
  )
  for (const [issuer, ok] of fetches) {
    tell({ type: 'jwks_fetched', issuer, ok, ...(ok ? {} : { detail: 'refused' }) })
  }
  return lines
}

test('keys that cannot be fetched are told once, and once more when they can', () => {
  const fetches = [false, false, false, true, true, false].map((ok) => ['idp', ok] as const)
  assert.deepEqual(logOf(fetches), [
    'warn the keys of an issuer cannot be fetched idp refused',
    'info the keys of an issuer are fetched again idp',
    'warn the keys of an issuer cannot be fetched idp refused',
  ])
})

test('issuers are told apart, and keys that come as they should are not told', () => {
  const fetches = [
    ['one', true],
    ['two', false],
    ['one', true],
    ['two', false],
  ] as const
  assert.deepEqual(logOf(fetches), ['warn the keys of an issuer cannot be fetched two refused'])
})

test('warnings are logged each time, other events never', () => {
  const lines: string[] = []
  const tell = createEventLog((level, message, facts) =>
    lines.push(`${level} ${message} ${String(facts?.['detail'])}`),
  )
  tell({ type: 'warning', what: 'odd', detail: 'd' })
  tell({ type: 'warning', what: 'odd', detail: 'd' })
  tell({ type: 'token_refused', reason: 'expired' })
  tell({ type: 'started', version: '1' })
  assert.deepEqual(lines, ['warn odd d', 'warn odd d'])
})
