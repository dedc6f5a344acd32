import assert from 'node:assert/strict'
import { describeCaller } from '../policy/describe-caller.ts'
import type { Caller } from '../model/caller.ts'
import type { Position } from '../model/problem.ts'
import { compilePolicy } from './compile-policy.ts'
import type { Rules } from '../policy/rules.ts'
import type { NaiveRule } from './naive-policy.ts'

/** A rule as a test writes it: what is left out is an allow for everybody. */
export type RuleDraft = Partial<NaiveRule>

/** Compiles rules for the servers `docs` and `db`. Ids that are left out are `rule-1`, `rule-2` and so on. */
export function compileRules(...drafts: readonly RuleDraft[]): Rules {
  const rules = drafts.map((draft, index) => ({
    id: `rule-${index + 1}`,
    effect: 'allow',
    subjects: [{ any: true }],
    ...draft,
  }))
  const compiled = compilePolicy(
    [{ file: 'test.yaml', data: { version: 1, rules }, at: nowhere }],
    ['docs', 'db'],
  )
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.rules
}

function nowhere(): Position {
  return { line: 1, column: 1 }
}

/** A caller: an agent without groups or scopes, but for what is said. */
export function someCaller(parts: Partial<Caller> = {}): Caller {
  const agent = describeCaller({
    subject: undefined,
    kind: undefined,
    groups: new Set(),
    scopes: new Set(),
    client: undefined,
    issuer: undefined,
    tenant: undefined,
    interactive: false,
  })
  return { ...agent, ...parts }
}
