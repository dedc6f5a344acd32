import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import type { Decision, Deny } from '../model/decision.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callFor } from './ask.ts'
import { decide } from './decide.ts'
import { type Facts, type GrantState, NO_FACTS, occasionAt } from './occasion.ts'
import { isVisible, mayConnect } from './visible.ts'

const ALLOW = { tools: ['docs/*'] } as const satisfies RuleDraft
const GRANTED = { ...ALLOW, grant: { ttl: '2h', max_uses: 5 } } as const satisfies RuleDraft
const APPROVED = {
  effect: 'require',
  tools: ['docs/delete_*'],
  require: { approval: { by: 'group:leads', for: '10m' } },
} as const satisfies RuleDraft
const SCOPED = {
  effect: 'require',
  tools: ['docs/delete_*'],
  require: { scopes: ['docs:delete'] },
} as const satisfies RuleDraft

const TARGET = { kind: 'tool', name: 'delete_all' } as const
const CALL = callFor({ about: 'tool', name: 'delete_all' })

type Asked = { readonly facts?: Partial<Facts>; readonly caller?: Caller }

function occasion({ facts = {} }: Asked) {
  return occasionAt('docs', { facts: { ...NO_FACTS, ...facts } })
}

function outcome(rules: readonly RuleDraft[], asked: Asked = {}): Decision {
  return decide(compileRules(...rules), asked.caller ?? someCaller(), CALL, occasion(asked))
}

function isShown(rules: readonly RuleDraft[], asked: Asked = {}): boolean {
  return isVisible(compileRules(...rules), asked.caller ?? someCaller(), TARGET, occasion(asked))
}

function granted(state: GrantState): Asked {
  return { facts: { grant: (rule) => (rule === 'rule-1' ? state : 'none') } }
}

function reasonOf(decision: Decision): readonly unknown[] {
  const { rule, reason, hidden } = decision as Deny
  return [decision.effect, rule, reason, hidden]
}

test('a rule with a grant allows only while a grant for it lives, and says which it was', () => {
  assert.deepEqual(outcome([GRANTED], granted('live')), {
    effect: 'allow',
    rule: 'rule-1',
    dropped: [],
    grant: { ttlMs: 7_200_000, task: undefined, maxUses: 5 },
  })
  for (const state of ['none', 'used_up'] as const) {
    assert.deepEqual(reasonOf(outcome([GRANTED], granted(state))), [
      'deny',
      'rule-1',
      'no_grant',
      true,
    ])
    assert.equal(isShown([GRANTED], granted(state)), false)
  }
  assert.equal(isShown([GRANTED], granted('live')), true)
})

test('without its grant a rule with show is listed, and refused openly', () => {
  const show = { ...GRANTED, show: true, reason: 'Ask for a grant.', disclose: true }
  assert.equal(isShown([show], granted('none')), true)
  const decision = outcome([show], granted('none'))
  assert.deepEqual(reasonOf(decision), ['deny', 'rule-1', 'no_grant', false])
  assert.equal((decision as Deny).disclosed, 'Ask for a grant.')
})

test('no use of a grant is spent where a rule without one allows as well', () => {
  const decision = outcome([GRANTED, ALLOW], granted('live'))
  assert.deepEqual(decision, { effect: 'allow', rule: 'rule-2', dropped: [] })
})

test('a rule with limits says what its callers may spend, and one without comes before it', () => {
  const limited = { ...ALLOW, limits: { rate: '60/m', burst: 3 } }
  const decision = outcome([limited])
  assert.ok(decision.effect === 'allow')
  assert.deepEqual(decision.limits, { perSecond: 1, burst: 3 })
  assert.deepEqual(outcome([limited, ALLOW]), { effect: 'allow', rule: 'rule-2', dropped: [] })
})

test('of several limits the widest counts, so that one rule more never allows less', () => {
  const narrow = { ...ALLOW, limits: { rate: '1/m' } }
  const wide = { ...ALLOW, limits: { rate: '100/m' } }
  assert.equal(outcome([narrow, wide]).rule, 'rule-2')
  assert.equal(outcome([wide, narrow]).rule, 'rule-1')
  const burst = { ...ALLOW, limits: { rate: '1/m', burst: 50 } }
  assert.equal(outcome([narrow, burst]).rule, 'rule-2')
  assert.equal(outcome([{ ...wide, grant: { ttl: '1h' } }, narrow], granted('live')).rule, 'rule-2')
})

test('a task is known to its caller also when the grant it was made under is used up', () => {
  const call = {
    ...callFor({ about: 'method', name: 'tasks/get' }),
    needs: 'targets',
    targets: [{ kind: 'task', name: 't', task: { id: '1', tool: 'read' } }],
  } as const
  const asked = (state: GrantState): Decision =>
    decide(compileRules(GRANTED), someCaller(), call, occasion(granted(state)))
  assert.equal(asked('used_up').effect, 'allow')
  assert.equal(asked('none').effect, 'deny')
})

test('a grant is a reason to connect, and its end is none to stay', () => {
  const may = (state: GrantState): boolean =>
    mayConnect(compileRules(GRANTED), someCaller(), occasion(granted(state)))
  // The call that took the last use may still run.
  assert.deepEqual([may('live'), may('used_up'), may('none')], [true, true, false])
})

test('what requires approval waits for it, in lists as well as allowed', () => {
  assert.deepEqual(outcome([ALLOW, APPROVED]), {
    effect: 'require',
    rule: 'rule-2',
    approvals: [
      { rule: 'rule-2', approval: { by: { kind: 'group', group: 'leads' }, forMs: 600_000 } },
    ],
    allow: { effect: 'allow', rule: 'rule-1', dropped: [] },
    disclosed: undefined,
    target: TARGET,
  })
  assert.equal(isShown([ALLOW, APPROVED]), true)
  const asked = { facts: { approved: (rule: string) => rule === 'rule-2' } }
  assert.equal(outcome([ALLOW, APPROVED], asked).effect, 'allow')
})

test('every approval that is missing is named, and one does not stand for another', () => {
  const second = { ...APPROVED, require: { approval: { by: 'subject' } } }
  const waiting = outcome([ALLOW, APPROVED, second])
  assert.ok(waiting.effect === 'require')
  assert.deepEqual(
    waiting.approvals.map(({ rule }) => rule),
    ['rule-2', 'rule-3'],
  )
  const half = { facts: { approved: (rule: string) => rule === 'rule-2' } }
  assert.equal(outcome([ALLOW, APPROVED, second], half).rule, 'rule-3')
})

test('require never widens, and deny beats it', () => {
  assert.deepEqual(reasonOf(outcome([APPROVED])), ['deny', undefined, 'no_rule', true])
  const deny = { effect: 'deny', tools: ['docs/*'] } as const
  assert.equal(outcome([ALLOW, APPROVED, deny]).effect, 'deny')
  assert.equal(isShown([APPROVED]), false)
})

test('a requirement holds only for its subjects and its targets', () => {
  const others = { ...APPROVED, subjects: [{ groups: ['interns'] }] }
  assert.equal(outcome([ALLOW, others]).effect, 'allow')
  const elsewhere = { ...APPROVED, tools: ['docs/purge_*'] }
  assert.equal(outcome([ALLOW, elsewhere]).effect, 'allow')
  const excepted = { ...APPROVED, except: { tools: ['docs/delete_all'] } }
  assert.equal(outcome([ALLOW, excepted]).effect, 'allow')
})

test('a requirement by method applies to every call by it', () => {
  const { require } = APPROVED
  const byMethod = { effect: 'require', methods: ['tools/call'], require } as const
  assert.equal(outcome([ALLOW, byMethod]).effect, 'require')
  const other = { effect: 'require', methods: ['prompts/get'], require } as const
  assert.equal(outcome([ALLOW, other]).effect, 'allow')
})

test('required scopes are asked of who can obtain them, with those of the allow rule at once', () => {
  const interactive = someCaller({ interactive: true })
  const decision = outcome([ALLOW, SCOPED], { caller: interactive }) as Deny
  assert.deepEqual([decision.reason, decision.hidden], ['missing_scope', false])
  assert.deepEqual(decision.missingScopes, ['docs:delete'])
  const scoped = { ...ALLOW, subjects: [{ scopes: ['docs:read'] }] }
  const both = outcome([scoped, SCOPED], { caller: interactive }) as Deny
  assert.deepEqual(both.missingScopes, ['docs:read', 'docs:delete'])
  const holder = someCaller({ scopes: new Set(['docs:delete']) })
  assert.equal(outcome([ALLOW, SCOPED], { caller: holder }).effect, 'allow')
})

test('for a caller that cannot obtain required scopes the target is not there', () => {
  assert.deepEqual(reasonOf(outcome([ALLOW, SCOPED])), ['deny', undefined, 'missing_scope', true])
  assert.equal(isShown([ALLOW, SCOPED]), false)
})

test('a rule in shadow mode decides nothing, and what it would change is told', () => {
  const deny = { effect: 'deny', tools: ['docs/delete_*'], mode: 'shadow' } as const
  const decision = outcome([ALLOW, deny])
  assert.equal(decision.effect, 'allow')
  assert.deepEqual(decision.shadow, { effect: 'deny', rule: 'rule-2' })
  assert.equal(isShown([ALLOW, deny]), true)
  const require = outcome([ALLOW, { ...APPROVED, mode: 'shadow' }])
  assert.deepEqual(
    [require.effect, require.shadow],
    ['allow', { effect: 'require', rule: 'rule-2' }],
  )
})

test('an allow in shadow mode gives nothing, neither a name in a list nor a connection', () => {
  const shadow = { ...ALLOW, mode: 'shadow' } as const
  const decision = outcome([shadow])
  assert.deepEqual(reasonOf(decision), ['deny', undefined, 'no_rule', true])
  assert.deepEqual(decision.shadow, { effect: 'allow', rule: 'rule-1' })
  assert.equal(isShown([shadow]), false)
  assert.equal(mayConnect(compileRules(shadow), someCaller(), occasionAt('docs')), false)
})

test('a rule in shadow mode that would change nothing is not mentioned', () => {
  const shadow = { ...ALLOW, mode: 'shadow' } as const
  assert.deepEqual(outcome([ALLOW, shadow]), { effect: 'allow', rule: 'rule-1', dropped: [] })
  const deny = { effect: 'deny', tools: ['docs/*'] } as const
  assert.equal(outcome([ALLOW, deny, shadow]).shadow, undefined)
})

const READER = { ...ALLOW, credential: 'reader' } as const satisfies RuleDraft

/** Who allowed it, and the credential it goes up with. */
function credentialOf(rules: readonly RuleDraft[], asked: Asked = {}): readonly unknown[] {
  const decision = outcome(rules, asked)
  assert.ok(decision.effect === 'allow')
  return [decision.rule, decision.credential]
}

test('an allow says which credential its rule chose, and nothing where the rule chose none', () => {
  assert.deepEqual(credentialOf([READER]), ['rule-1', 'reader'])
  assert.ok(!('credential' in outcome([ALLOW])))
})

test('of rules that ask alike, one that names a credential decides, and of several that with the first id', () => {
  const reader = { ...READER, id: 'm' }
  const writer = { id: 'n', tools: ['docs/delete_all'], credential: 'writer' }
  const plain = { id: 'a', servers: ['docs'] }
  for (const rules of [
    [reader, writer, plain],
    [plain, writer, reader],
    [writer, plain, reader],
  ]) {
    assert.deepEqual(credentialOf(rules), ['m', 'reader'])
  }
})

test('what a rule asks for counts before the credential it names', () => {
  const writer = { ...GRANTED, credential: 'writer' }
  assert.deepEqual(credentialOf([writer, ALLOW], granted('live')), ['rule-2', undefined])
  assert.deepEqual(credentialOf([writer, READER], granted('live')), ['rule-2', 'reader'])
  const limited = { ...ALLOW, credential: 'writer', limits: { rate: '1/s' } }
  assert.deepEqual(credentialOf([limited, READER]), ['rule-2', 'reader'])
})

test('a rule in shadow mode chooses no credential', () => {
  const shadow = { ...READER, mode: 'shadow' } as const
  assert.deepEqual(credentialOf([shadow, ALLOW]), ['rule-2', undefined])
})

test('once approved, a call goes up with the credential of the rule that allows it', () => {
  const waiting = outcome([READER, APPROVED])
  assert.ok(waiting.effect === 'require')
  assert.equal(waiting.allow.credential, 'reader')
  const approved = { facts: { approved: () => true } }
  assert.deepEqual(credentialOf([READER, APPROVED], approved), ['rule-1', 'reader'])
})

test('being connected goes up with the credential of the server, whatever rules name', () => {
  const list = callFor({ about: 'method', name: 'tools/list' })
  const decision = decide(compileRules(READER), someCaller(), list, occasion({}))
  assert.ok(decision.effect === 'allow' && !('credential' in decision))
})

test('the page of a tool is read with the credential of the rule that allows the tool', () => {
  const page = { kind: 'resource', name: 'ui://a', tools: ['delete_all'] } as const
  const call = { ...callFor({ about: 'resource', name: 'ui://a' }), targets: [page] }
  const decision = decide(compileRules(READER), someCaller(), call, occasion({}))
  assert.ok(decision.effect === 'allow')
  assert.equal(decision.credential, 'reader')
})
