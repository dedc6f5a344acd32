import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision } from '../model/decision.ts'
import { compileRules, someCaller } from '../testkit/compile-rules.ts'
import { callOf, denial, outcome, toolCall } from '../testkit/decided.ts'
import { callFor } from './ask.ts'
import { CONNECTION_RULE, decide } from './decide.ts'
import { occasionAt } from './occasion.ts'
import { scopesFor } from './rules.ts'

const DENY = { effect: 'deny' } as const

const LACKING = { tools: ['docs/x'], subjects: [{ kind: 'agent', scopes: ['a', 'b'] }] } as const

test('missing scopes of an interactive caller are named, all of the rule at once', () => {
  const caller = someCaller({ interactive: true, scopes: new Set(['a']) })
  assert.deepEqual(decide(compileRules(LACKING), caller, toolCall('x'), occasionAt('docs')), {
    effect: 'deny',
    rule: undefined,
    reason: 'missing_scope',
    hidden: false,
    disclosed: undefined,
    missingScopes: ['a', 'b'],
    target: { kind: 'tool', name: 'x' },
  })
})

test('missing scopes are not named where asking for them would not help', () => {
  const interactive = someCaller({ interactive: true })
  assert.equal(outcome([LACKING], toolCall('x'), someCaller()), 'deny no_rule')
  assert.equal(outcome([LACKING], toolCall('y'), interactive), 'deny no_rule')
  const human = someCaller({ interactive: true, kind: 'human' })
  assert.equal(outcome([LACKING], toolCall('x'), human), 'deny no_rule')
  assert.equal(
    outcome([LACKING, { ...DENY, tools: ['docs/x'] }], toolCall('x'), interactive),
    'deny rule-2',
  )
  assert.equal(
    outcome([LACKING, { tools: ['docs/x'] }], toolCall('x'), interactive),
    'allow rule-2',
  )
})

test('who only lacks scopes may connect, if scopes can be had', () => {
  const ping = callFor({ about: 'method', name: 'ping' })
  assert.equal(outcome([LACKING], ping, someCaller()), 'deny no_rule')
  assert.equal(
    outcome([LACKING], ping, someCaller({ interactive: true })),
    `allow ${CONNECTION_RULE}`,
  )
})

test('a method behind a scope asks for it, and does not hide', () => {
  const rule = { methods: ['x/y'], subjects: [{ scopes: ['a'] }] }
  const call = callFor({ about: 'method', name: 'x/y' })
  const caller = someCaller({ interactive: true })
  const decision = denial(decide(compileRules(rule), caller, call, occasionAt('docs')))
  assert.deepEqual(
    [decision.reason, decision.missingScopes, decision.hidden],
    ['missing_scope', ['a'], false],
  )
})

test('callers who lack different scopes of one rule are each asked for their own', () => {
  const groups = ['a', 'b'] as const
  const subjects = groups.map((group) => ({ groups: [group], scopes: [`${group}:read`] }))
  const rules = compileRules({ tools: ['docs/x'], subjects })
  for (const group of groups) {
    const caller = someCaller({ interactive: true, groups: new Set([group]) })
    const decision = denial(decide(rules, caller, toolCall('x'), occasionAt('docs')))
    assert.deepEqual(decision.missingScopes, [`${group}:read`])
  }
})

test('scopes of several targets are asked for together, unless one is out of reach anyway', () => {
  const rules = compileRules(
    { tools: ['docs/a'], subjects: [{ scopes: ['a'] }] },
    { tools: ['docs/b'], subjects: [{ scopes: ['b'] }] },
  )
  const caller = someCaller({ interactive: true })
  const ask = (...names: readonly string[]): Extract<Decision, { effect: 'deny' }> => {
    const targets = names.map((name) => ({ kind: 'tool' as const, name }))
    return denial(decide(rules, caller, callOf('x', 'targets', targets), occasionAt('docs')))
  }
  assert.deepEqual(ask('a', 'b').missingScopes, ['a', 'b'])
  assert.equal(ask('a', 'b', 'c').reason, 'no_rule')
})

test('a deny rule with scopes holds for those who have them', () => {
  const rules = [
    { tools: ['docs/x'] },
    { ...DENY, tools: ['docs/x'], subjects: [{ scopes: ['a'] }] },
  ]
  const having = someCaller({ scopes: new Set(['a']) })
  assert.equal(outcome(rules, toolCall('x'), having), 'deny rule-2')
  assert.equal(outcome(rules, toolCall('x'), someCaller({ interactive: true })), 'allow rule-1')
})

test('the scopes of a server are those its allow rules ask for', () => {
  const rules = compileRules(
    { tools: ['docs/x'], subjects: [{ scopes: ['b', 'a'] }, { scopes: ['a', 'c'] }] },
    { ...DENY, tools: ['docs/x'], subjects: [{ scopes: ['z'] }] },
    { tools: ['db/x'], subjects: [{ scopes: ['d'] }] },
  )
  assert.deepEqual(scopesFor(rules, 'docs'), ['a', 'b', 'c'])
  assert.deepEqual(scopesFor(rules, 'db'), ['d'])
  assert.deepEqual(scopesFor(rules, 'elsewhere'), [])
})

test('scopes that only the tool of a page lacks are asked for', () => {
  const caller = someCaller({ interactive: true })
  const rules = [{ tools: ['docs/form'], subjects: [{ scopes: ['forms'] }] }] as const
  const call = callOf('resources/read', 'targets', [
    { kind: 'resource', name: 'ui://docs/form', tools: ['form'] },
  ])
  const decision = denial(decide(compileRules(...rules), caller, call, occasionAt('docs')))
  assert.deepEqual([decision.reason, decision.missingScopes], ['missing_scope', ['forms']])
})
