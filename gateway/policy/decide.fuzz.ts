import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import type { Call } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { fuzzOptions } from '../testkit/fuzz.ts'
import {
  naiveCall,
  type NaiveDecision,
  type NaivePolicy,
  type NaiveRule,
  naiveScopes,
  naiveTarget,
} from '../testkit/naive-policy.ts'
import { anyCall, caller, policy, rule, server, SERVERS } from '../testkit/random-policy.ts'
import { compilePolicy } from './compile.ts'
import { CONNECTION_RULE, decide } from './decide.ts'
import type { Rules } from './rules.ts'
import { isVisible } from './visible.ts'
import { occasionAt } from './occasion.ts'

/** Questions asked of each random policy: compiling one costs more than asking it. */
const QUESTIONS = 100

/** Callers among them: each asks several times, so that its cached view is used. */
const CALLERS = 10

const { numRuns, seed } = fuzzOptions({
  what: 'decisions against a naive reading',
  test: 100_000,
  prove: 1_000_000,
})

type Question = { readonly caller: Caller; readonly call: Call; readonly server: string }

const questions: fc.Arbitrary<readonly Question[]> = fc
  .tuple(
    fc.array(caller, { minLength: CALLERS, maxLength: CALLERS }),
    fc.array(fc.tuple(anyCall, server), { minLength: QUESTIONS, maxLength: QUESTIONS }),
  )
  .map(([callers, asked]) =>
    asked.flatMap(([call, server], index) => {
      const caller = callers[index % CALLERS]
      return caller === undefined ? [] : { caller, call, server }
    }),
  )

test('every decision is the one a naive reading of the files gives', () => {
  const seen = new Map<string, number>()
  const property = fc.property(policy, questions, (policy, questions) => {
    const rules = compile(policy)
    for (const question of questions) {
      const decision = decide(rules, question.caller, question.call, occasionAt(question.server))
      assertSame(policy, question, decision)
      const key = decision.effect === 'deny' ? decision.reason : decision.effect
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS) })
  // Were the vocabulary too wide, everything would be denied alike and nothing compared.
  for (const outcome of ['allow', 'deny_rule', 'missing_scope', 'no_rule', 'resource_uri']) {
    assert.ok((seen.get(outcome) ?? 0) > numRuns / 100, `${outcome}: ${seen.get(outcome)}`)
  }
})

test('a list shows what the naive reading would let this caller use or ask scopes for', () => {
  const property = fc.property(policy, questions, (policy, questions) => {
    const rules = compile(policy)
    for (const { caller, call, server } of questions) {
      for (const { kind, name } of call.targets) {
        if (kind === 'task') continue
        const method = { tool: 'tools/call', prompt: 'prompts/get' }[kind as string]
        const question = { policy, caller, server, method: method ?? 'resources/read' }
        const { outcome } = naiveTarget(question, { kind, name })
        const expected = outcome === 'allow' || outcome === 'missing_scope'
        assert.equal(isVisible(rules, caller, { kind, name }, occasionAt(server)), expected)
      }
    }
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

test('adding a deny rule never allows more', () => {
  const denying = rule(1000).map((one): NaiveRule => ({ ...one, effect: 'deny' }))
  const property = fc.property(policy, denying, questions, (policy, added, questions) => {
    const wider = { ...policy, rules: [...policy.rules, added] }
    assertNoMore(compile(policy), compile(wider), questions)
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

test('removing an allow rule never allows more', () => {
  const property = fc.property(policy, fc.nat(), questions, (policy, pick, questions) => {
    const allows = policy.rules.filter(({ effect }) => effect === 'allow')
    const removed = allows[pick % Math.max(allows.length, 1)]
    const rules = policy.rules.filter((one) => one !== removed)
    assertNoMore(compile(policy), compile({ ...policy, rules }), questions)
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

test('neither the order of rules nor of files matters, not even for the rule that is named', () => {
  const property = fc.property(policy, questions, fc.nat(), (policy, questions, cut) => {
    const reversed = policy.rules.toReversed()
    const at = cut % (reversed.length + 1)
    const files = [reversed.slice(0, at), reversed.slice(at)].map((rules) => ({ ...policy, rules }))
    const [one, other] = [compile(policy), compile(...files)]
    for (const { caller, call, server } of questions) {
      assert.deepEqual(
        decide(other, caller, call, occasionAt(server)),
        decide(one, caller, call, occasionAt(server)),
      )
    }
  })
  fc.assert(property, { seed, numRuns: Math.ceil(numRuns / QUESTIONS / 10) })
})

function compile(...policies: readonly NaivePolicy[]): Rules {
  const documents = policies.map((data, index) => ({
    file: `${index}.yaml`,
    data,
    at: () => ({ line: 1, column: 1 }),
  }))
  const compiled = compilePolicy(documents, SERVERS)
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.rules
}

/** What `after` allows, `before` allowed too, with no target dropped that now is not. */
function assertNoMore(before: Rules, after: Rules, questions: readonly Question[]): void {
  for (const { caller, call, server } of questions) {
    const then = decide(before, caller, call, occasionAt(server))
    const now = decide(after, caller, call, occasionAt(server))
    if (now.effect !== 'allow') continue
    assert.ok(then.effect === 'allow')
    assert.deepEqual(
      then.dropped.filter((one) => !now.dropped.includes(one)),
      [],
    )
  }
}

function assertSame(policy: NaivePolicy, question: Question, decision: Decision): void {
  const { caller, call, server } = question
  const asked = { policy, caller, server, method: call.method }
  const connection = naiveCall(asked, 'connection')
  const each = call.targets.map((target) => ({ target, ...naiveTarget(asked, target) }))
  if (call.method === 'subscriptions/listen' && connection.outcome === 'connection') {
    const dropped = each.filter(({ outcome }) => outcome !== 'allow').map(({ target }) => target)
    assert.deepEqual(decision, { effect: 'allow', rule: CONNECTION_RULE, dropped })
    return
  }
  if (call.method === 'subscriptions/listen') return assertOutcome(decision, connection)
  if (call.needs !== 'targets') return assertOutcome(decision, naiveCall(asked, call.needs))
  const refused = each.find(({ outcome }) => outcome !== 'allow' && outcome !== 'missing_scope')
  const lacking = each.find(({ outcome }) => outcome === 'missing_scope')
  const decisive = refused ?? lacking ?? each[0]
  assertOutcome(decision, decisive ?? connection)
  if (decision.effect !== 'deny') return
  assert.equal(decision.target, decisive?.target)
  if (decision.reason !== 'missing_scope' || each.length > 1) return
  const possible = (decisive?.rules ?? []).flatMap((rule) => naiveScopes(asked, rule))
  assert.ok(possible.some((scopes) => isDeepStrictEqual(scopes, decision.missingScopes)))
}

function assertOutcome(decision: Decision, { outcome, rules }: NaiveDecision): void {
  const ids = rules.map(({ id }) => id)
  if (outcome === 'connection' || outcome === 'allow') {
    assert.equal(decision.effect, 'allow')
    assert.ok([CONNECTION_RULE, ...ids].includes(decision.rule))
    assert.equal(decision.rule === CONNECTION_RULE, outcome === 'connection')
    return
  }
  assert.ok(decision.effect === 'deny')
  assert.equal(decision.reason, outcome)
  const rule = rules.find(({ id }) => id === decision.rule)
  assert.equal(rule === undefined, outcome !== 'deny_rule')
  assert.equal(decision.disclosed, rule?.disclose === true ? rule.reason : undefined)
  const named = decision.target !== undefined && outcome !== 'missing_scope'
  assert.equal(decision.hidden, named && decision.disclosed === undefined)
  assert.equal(decision.missingScopes.length > 0, outcome === 'missing_scope')
}
