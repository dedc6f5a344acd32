import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../model/call.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callFor } from './ask.ts'
import { decide } from './decide.ts'
import { explain } from './explain.ts'
import { formatExplanation } from './format-explanation.ts'
import { NO_FACTS, occasionAt } from './occasion.ts'

const RECORD = { audit: 'arguments' } as const
const CALL = callFor({ about: 'tool', name: 'x' })
const APPROVAL = { approval: { by: 'group:leads' } } as const

/** What is to be done about a call, in one line; empty for nothing. */
function obliged(rules: readonly RuleDraft[], call: Call = CALL, isApproved = false): string {
  const facts = { ...NO_FACTS, approved: () => isApproved }
  const decision = decide(compileRules(...rules), someCaller(), call, occasionAt('docs', { facts }))
  const { recordsArguments = false, redact = [], notify = [] } = decision.obligations ?? {}
  const words = [
    recordsArguments ? 'record' : '',
    ...redact.map((path) => `-${path.join('.')}`),
    ...notify,
  ]
  return `${decision.effect}: ${words.filter((word) => word !== '').join(' ')}`
}

test('an allow rule obliges to what it says, and one that says nothing to nothing', () => {
  const obligations = [RECORD, { redact: ['a', 'b.c'] }, { notify: 'x' }, { notify: 'x' }]
  assert.equal(obliged([{ tools: ['docs/x'], obligations }]), 'allow: record -a -b.c x')
  const bare = decide(compileRules({ tools: ['docs/x'] }), someCaller(), CALL, occasionAt('docs'))
  assert.deepEqual(bare, { effect: 'allow', rule: 'rule-1', dropped: [] })
})

test('only the rule that decides obliges', () => {
  const other = { id: 'a-other', tools: ['docs/x'] } as const
  const told = { id: 'b-told', tools: ['docs/x'], obligations: [{ notify: 'x' }] } as const
  assert.equal(obliged([other, told]), 'allow: ')
  const deny = {
    id: 'c-deny',
    effect: 'deny',
    tools: ['docs/x'],
    obligations: [{ notify: 'y' }],
  } as const
  assert.equal(obliged([{ ...told, id: 'a-told' }, deny]), 'deny: y')
  assert.equal(obliged([told, { ...deny, mode: 'shadow' }]), 'allow: x')
  assert.equal(obliged([{ ...told, tools: ['docs/y'] }]), 'deny: ')
})

test('a call that waits obliges to what its require rule says, and one that was approved to all', () => {
  const rules = [
    { tools: ['docs/x'], obligations: [{ notify: 'allowed' }] },
    {
      effect: 'require',
      tools: ['docs/x'],
      require: APPROVAL,
      obligations: [RECORD, { redact: ['k'] }, { notify: 'held' }],
    },
  ] as const
  assert.equal(obliged(rules), 'require: record -k held')
  assert.equal(obliged(rules, CALL, true), 'allow: record -k allowed held')
})

test('several targets oblige to what the rules of all of them say', () => {
  const rules = [
    { resources: ['docs:a:1'], obligations: [{ notify: 'one' }] },
    { resources: ['docs:a:2'], obligations: [RECORD, { redact: ['k'] }, { notify: 'two' }] },
    { resources: ['docs:a:3'] },
  ] as const
  const targets = ['a:3', 'a:1', 'a:2'].map((name) => ({ kind: 'resource', name }) as const)
  const read = { ...callFor({ about: 'resource', name: 'a:1' }), targets }
  assert.equal(obliged(rules, read), 'allow: record -k one two')
  const listen = { ...read, method: 'subscriptions/listen' }
  assert.equal(obliged(rules, listen), 'allow: record -k one two')
})

test('asking about a task or for completions obliges to nothing', () => {
  const rules = [
    { tools: ['docs/x'], prompts: ['docs/x'], obligations: [{ notify: 'x' }] },
  ] as const
  const task = { kind: 'task', name: 't', task: { id: '1', tool: 'x' } } as const
  assert.equal(obliged(rules, { ...CALL, method: 'tasks/get', targets: [task] }), 'allow: ')
  const prompt = { kind: 'prompt', name: 'x' } as const
  const complete = { ...CALL, method: 'completion/complete', targets: [prompt] }
  assert.equal(obliged(rules, complete), 'allow: ')
})

test('an explanation says what a call obliges to', () => {
  const rules = compileRules({
    tools: ['docs/x'],
    obligations: [RECORD, { redact: ['a.b'] }, { notify: 'security' }],
  })
  const lines = formatExplanation(explain(rules, someCaller(), CALL, occasionAt('docs')))
  assert.ok(
    lines.includes('  obliges  arguments are recorded without a.b; told: security'),
    lines.join('\n'),
  )
})
