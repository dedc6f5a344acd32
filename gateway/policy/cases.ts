/** Cases held against rules: what a policy is meant to allow and to deny, said in examples. */
import type { Decision } from '../model/decision.ts'
import { callerWithIncluded, NO_INCLUDES, type ScopeIncludes } from '../model/scope-includes.ts'
import { DEFAULT_TRAITS } from '../model/tool-traits.ts'
import { callFor, frameFor } from './ask.ts'
import { decide } from './decide.ts'
import type { CaseFile, PolicyCase } from './read-cases.ts'
import type { Rules } from './rules.ts'
import { type Facts, type Occasion, occasionAt } from './occasion.ts'
import { isVisible } from './visible.ts'

export type CaseResult = {
  readonly name: string
  readonly line: number
  /** What came out differently, in words; empty when the case holds. */
  readonly failures: readonly string[]
}

/**
 * The outcome of every case, in their order.
 *
 * @param includes Scopes that count for others. Default: none does.
 */
export function runCases(
  rules: Rules,
  file: CaseFile,
  includes: ScopeIncludes = NO_INCLUDES,
): readonly CaseResult[] {
  return file.cases.map((one) => {
    const caller = callerWithIncluded(one.caller, includes)
    const failures = [...failuresOf(rules, { ...one, caller })]
    return { name: one.name, line: one.line, failures }
  })
}

function* failuresOf(rules: Rules, one: PolicyCase): Generator<string> {
  const { caller, question, expect, visible } = one
  const { server } = one
  if (!rules.servers.has(server)) {
    yield `there is no server "${server}"`
    return
  }
  const occasion = occasionOf(one)
  const decision = decide(rules, caller, callFor(question), occasion)
  if (decision.effect !== expect) yield `expected ${expect}, got ${words(decision)}`
  if (one.rule !== undefined && one.rule !== decision.rule) {
    yield `expected the rule ${one.rule}, got ${decision.rule ?? 'none'}`
  }
  const credential = decision.effect === 'allow' ? decision.credential : undefined
  if (one.credential !== undefined && one.credential !== credential) {
    yield `expected the credential ${one.credential}, got ${credential ?? 'none'}`
  }
  const reason = decision.effect === 'deny' ? decision.reason : undefined
  if (one.reason !== undefined && one.reason !== reason) {
    yield `expected the reason ${one.reason}, got ${reason ?? 'none'}`
  }
  if (visible === undefined || question.about === 'method') return
  if (
    visible !== isVisible(rules, caller, { kind: question.about, name: question.name }, occasion)
  ) {
    yield visible
      ? 'expected lists to show it, they hide it'
      : 'expected lists to hide it, they show it'
  }
}

/** The occasion of a case. */
export function occasionOf({ server, question, circumstances }: PolicyCase): Occasion {
  const { nowMs, address, granted, approved, annotations } = circumstances
  const traits = annotations === undefined ? [] : [{ ...DEFAULT_TRAITS, ...annotations }]
  const facts: Facts = {
    grant: (rule) => (granted.has(rule) ? 'live' : 'none'),
    approved: (rule) => approved.has(rule),
    traits: () => traits,
  }
  return occasionAt(server, { nowMs, address, frame: frameFor(question), facts })
}

function words(decision: Decision): string {
  if (decision.effect === 'allow') return `allow by ${decision.rule}`
  if (decision.effect === 'require') return `require by ${decision.rule}`
  return `deny (${decision.reason}${decision.rule === undefined ? '' : ` by ${decision.rule}`})`
}
