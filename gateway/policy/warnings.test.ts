import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules } from '../testkit/compile-rules.ts'
import { findOver } from './warnings.ts'

const TOOLS = { tools: ['docs/x', 'db/x'] }

/** Messages about these times, on the first day of 2026. */
function over(...times: readonly (object | undefined)[]): readonly string[] {
  const rules = compileRules(...times.map((during) => ({ ...TOOLS, ...(during && { during }) })))
  return findOver(rules.servers, Date.UTC(2026, 0, 1)).map(({ message }) => message)
}

test('a rule whose time is over is named once, with the time', () => {
  assert.deepEqual(
    over({ until: '2025-12-31' }, { from: '2025-01-01', until: '2025-06-01T12:00' }),
    [
      'the time of the rule "rule-1" is over since 2026-01-01T00:00 UTC: remove it, or its "until"',
      'the time of the rule "rule-2" is over since 2025-06-01T12:00 UTC: remove it, or its "until"',
    ],
  )
})

test('a rule whose time has not come, comes again or does not end is not', () => {
  const open = { from: '2026-06-01' }
  assert.deepEqual(over(undefined, open, { until: '2026-01-02' }, { days: ['mon'] }), [])
})
