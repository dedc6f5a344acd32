import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testCaller } from '../testkit/pipeline.ts'
import { createLookUpBudget } from './look-up-budget.ts'

test('a caller may cause five look-ups a second at each server, with whatever token', () => {
  let nowTick = 0
  const budget = createLookUpBudget(() => nowTick)
  for (let count = 0; count < 5; count++) budget.spend(testCaller({ tokenId: `${count}` }), 'docs')
  assert.throws(() => budget.spend(testCaller(), 'docs'), { code: 'upstream_unavailable' })
  budget.spend(testCaller(), 'other')
  budget.spend(testCaller({ subject: 'agent-2' }), 'docs')
  nowTick = 1_000
  assert.throws(() => budget.spend(testCaller(), 'docs'), { code: 'upstream_unavailable' })
  nowTick = 1_001
  budget.spend(testCaller(), 'docs')
})
