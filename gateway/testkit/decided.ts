/** Decisions in the words of tests. */
import assert from 'node:assert/strict'
import type { Call, Target } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { callFor } from '../policy/ask.ts'
import { decide } from '../policy/decide.ts'
import { occasionAt } from '../policy/occasion.ts'
import { compileRules, type RuleDraft, someCaller } from './compile-rules.ts'

/** Outcome and rule of one call on the server `docs`. */
export function outcome(
  rules: readonly RuleDraft[],
  call: Call,
  caller: Caller = someCaller(),
): string {
  const decision = decide(compileRules(...rules), caller, call, occasionAt('docs'))
  return `${decision.effect} ${decision.rule ?? decisionReason(decision)}`
}

function decisionReason(decision: Decision): string {
  return decision.effect === 'deny' ? decision.reason : ''
}

/** A call of a tool. */
export function toolCall(name: string): Call {
  return callFor({ about: 'tool', name })
}

/** A call of a method with these targets. */
export function callOf(
  method: string,
  needs: Call['needs'],
  targets: readonly Target[] = [],
): Call {
  return { ...callFor({ about: 'method', name: method }), needs, targets }
}

/** The denial that a decision must be. */
export function denial(decision: Decision): Extract<Decision, { effect: 'deny' }> {
  assert.ok(decision.effect === 'deny')
  return decision
}
