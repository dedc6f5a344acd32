import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import type { Decision, Deny } from '../model/decision.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callFor } from './ask.ts'
import { decide } from './decide.ts'
import { explain } from './explain.ts'
import { formatExplanation } from './format-explanation.ts'
import { occasionAt } from './occasion.ts'
import { joinStepUps } from './step-up.ts'
import { isVisible } from './visible.ts'

const NOW_SECONDS = 1_800_000_000
const ALLOW = { tools: ['docs/*'] } as const satisfies RuleDraft
const CALL = callFor({ about: 'tool', name: 'pay' })
const OCCASION = occasionAt('docs', { nowMs: NOW_SECONDS * 1_000 })

/** A rule that requires this kind of sign-in of everybody. */
function requiring(stepUp: object, parts: RuleDraft = {}): RuleDraft {
  return { effect: 'require', tools: ['docs/pay*'], require: { step_up: stepUp }, ...parts }
}

const FRESH = requiring({ max_age: '5m' })

/** Somebody who signed in so long ago, in a way of this class. */
function person(agoSeconds: number, acr?: string): Caller {
  const auth_time = NOW_SECONDS - agoSeconds
  return someCaller({ interactive: true, claims: { auth_time, ...(acr !== undefined && { acr }) } })
}

function outcome(caller: Caller, ...rules: readonly RuleDraft[]): Decision {
  return decide(compileRules(ALLOW, ...rules), caller, CALL, OCCASION)
}

function askedOf(decision: Decision): readonly unknown[] {
  const { reason, rule, hidden, stepUp } = decision as Deny
  return [reason, rule, hidden, stepUp]
}

test('who signed in long ago is asked to sign in anew, up to the second, and who just did is not', () => {
  assert.equal(outcome(person(300), FRESH).effect, 'allow')
  assert.deepEqual(askedOf(outcome(person(301), FRESH)), [
    'step_up',
    'rule-2',
    false,
    { acr: [], maxAgeSeconds: 300 },
  ])
})

test('one of the classes is enough, and another one is not', () => {
  const rule = requiring({ acr: ['gold', 'silver'] })
  assert.equal(outcome(person(9_999, 'silver'), rule).effect, 'allow')
  for (const acr of ['bronze', 'Gold', 'gold silver', undefined]) {
    assert.deepEqual(askedOf(outcome(person(0, acr), rule)), [
      'step_up',
      'rule-2',
      false,
      { acr: ['gold', 'silver'], maxAgeSeconds: undefined },
    ])
  }
})

test('a token that does not say when, or says it as no number or of a far future, is not fresh', () => {
  const inMilliseconds = NOW_SECONDS * 1_000
  for (const auth_time of [undefined, String(NOW_SECONDS), [NOW_SECONDS], null, inMilliseconds]) {
    const caller = someCaller({ interactive: true, claims: { auth_time } })
    assert.equal(outcome(caller, FRESH).effect, 'deny', JSON.stringify(auth_time))
  }
  assert.equal(outcome(someCaller({ interactive: true }), FRESH).effect, 'deny')
  // The clock of the issuer may be a little ahead.
  assert.equal(outcome(person(-20), FRESH).effect, 'allow')
})

test('what nobody could sign in for is not there, and is where the token says enough', () => {
  const machine = someCaller({ claims: {} })
  assert.deepEqual(askedOf(outcome(machine, FRESH)), ['step_up', 'rule-2', true, undefined])
  assert.equal(isVisible(compileRules(ALLOW, FRESH), machine, tool('pay'), OCCASION), false)
  const exchanged = { ...person(10), interactive: false }
  assert.equal(outcome(exchanged, FRESH).effect, 'allow')
})

test('lists and completions show what signing in anew would open', () => {
  const all = { effect: 'require', servers: ['docs'], require: FRESH.require ?? {} } as const
  const rules = compileRules({ servers: ['docs'] }, all)
  assert.equal(isVisible(rules, person(9_999), tool('pay'), OCCASION), true)
  const template = callFor({ about: 'template', name: 'file:///{x}' })
  assert.equal(decide(rules, person(9_999), template, OCCASION).effect, 'allow')
})

test('a task that was begun after signing in may be asked about later', () => {
  const target = { kind: 'task', name: 't', task: { id: 't', tool: 'pay' } } as const
  const call = { ...CALL, method: 'tasks/get', targets: [target] }
  const decision = decide(compileRules(ALLOW, FRESH), person(9_999), call, OCCASION)
  assert.equal(decision.effect, 'allow')
})

test('all that several rules require is asked for at once', () => {
  const rules = [
    requiring({ acr: ['gold', 'silver'], max_age: '10m' }),
    requiring({ acr: ['silver', 'iron'] }),
    requiring({ max_age: '2m' }),
  ]
  const stepUp = { acr: ['silver'], maxAgeSeconds: 120 }
  // Content with its own rule, but a new sign-in replaces all of it.
  assert.deepEqual(askedOf(outcome(person(130, 'gold'), ...rules)), [
    'step_up',
    'rule-3',
    false,
    stepUp,
  ])
  assert.equal(outcome(person(120, 'silver'), ...rules).effect, 'allow')
})

test('what no sign-in can content is not asked for: that would never end', () => {
  const rules = [requiring({ acr: ['gold'] }), requiring({ acr: ['iron'] })]
  assert.deepEqual(askedOf(outcome(person(0, 'gold'), ...rules)), [
    'step_up',
    'rule-3',
    true,
    undefined,
  ])
  assert.equal(
    isVisible(compileRules(ALLOW, ...rules), person(0, 'gold'), tool('pay'), OCCASION),
    false,
  )
})

test('targets of one call are asked for together, or not at all', () => {
  const rules = compileRules(
    ALLOW,
    requiring({ max_age: '5m' }),
    requiring({ acr: ['gold'] }, { tools: ['docs/pay_gold'] }),
    requiring({ acr: ['iron'] }, { tools: ['docs/pay_iron'] }),
  )
  const call = (...names: readonly string[]): Deny =>
    decide(rules, person(9_999), { ...CALL, targets: names.map(tool) }, OCCASION) as Deny
  assert.deepEqual(call('pay', 'pay_gold').stepUp, { acr: ['gold'], maxAgeSeconds: 300 })
  assert.equal(call('pay_gold', 'pay_iron').stepUp, undefined)
  assert.equal(call('pay_gold', 'pay_iron', 'pay').stepUp, undefined)
})

test('missing scopes are asked for with it, and an approval only after it', () => {
  const scoped = requiring(
    { max_age: '5m' },
    {
      require: { step_up: { max_age: '5m' }, scopes: ['pay'], approval: { by: 'subject' } },
    },
  )
  const { missingScopes, stepUp } = outcome(person(301), scoped) as Deny
  assert.deepEqual([missingScopes, stepUp], [['pay'], { acr: [], maxAgeSeconds: 300 }])
  const holder = { ...person(10), scopes: new Set(['pay']) }
  assert.equal(outcome(holder, scoped).effect, 'require')
})

test('a requirement never widens, and a deny comes before it', () => {
  const elsewhere = callFor({ about: 'tool', name: 'other' })
  const rules = compileRules({ tools: ['docs/x'] }, FRESH)
  assert.equal(decide(rules, person(0), CALL, OCCASION).effect, 'deny')
  assert.equal((decide(rules, person(999), CALL, OCCASION) as Deny).reason, 'no_rule')
  assert.equal(decide(rules, person(0), elsewhere, OCCASION).effect, 'deny')
  const denied = outcome(person(999), FRESH, { effect: 'deny', tools: ['docs/pay'] }) as Deny
  assert.equal(denied.reason, 'deny_rule')
})

test('the reason of the rule is told where it may be', () => {
  const rule = { ...FRESH, reason: 'It is money.', disclose: true }
  assert.equal((outcome(person(301), rule) as Deny).disclosed, 'It is money.')
  assert.equal((outcome(person(301), FRESH) as Deny).disclosed, undefined)
})

test('terms without classes say nothing about the class of others', () => {
  const [any, gold] = [
    { acr: [], maxAgeSeconds: 60 },
    { acr: ['gold'], maxAgeSeconds: undefined },
  ]
  assert.deepEqual(joinStepUps([any, gold]), { acr: ['gold'], maxAgeSeconds: 60 })
  assert.deepEqual(joinStepUps([any]), any)
})

test('an explanation says how one would have to sign in', () => {
  const rules = compileRules(ALLOW, requiring({ acr: ['gold'], max_age: '5m' }))
  const lines = formatExplanation(explain(rules, person(301), CALL, OCCASION)).join('\n')
  assert.match(lines, /rule {5}rule-2/)
  assert.match(lines, /asked to sign in anew, in a way that is gold, at most 300 seconds ago/)
  assert.match(lines, /lists {4}show it/)
})

function tool(name: string) {
  return { kind: 'tool', name } as const
}
