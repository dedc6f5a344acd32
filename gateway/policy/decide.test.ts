import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TargetKind } from '../model/call.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callOf, denial, outcome, toolCall } from '../testkit/decided.ts'
import { callFor } from './ask.ts'
import { CONNECTION_RULE, decide, MAX_NAME_LENGTH } from './decide.ts'
import { occasionAt } from './occasion.ts'

const DENY = { effect: 'deny' } as const

/** Of the denial of the tool `x`: what is told, and whether it hides. */
function decided(...rules: readonly RuleDraft[]): readonly unknown[] {
  const decision = denial(
    decide(compileRules(...rules), someCaller(), toolCall('x'), occasionAt('docs')),
  )
  return [decision.disclosed, decision.hidden]
}

test('what no rule allows is denied and looks as if it did not exist', () => {
  const decision = decide(compileRules(), someCaller(), toolCall('x'), occasionAt('docs'))
  assert.deepEqual(decision, {
    effect: 'deny',
    rule: undefined,
    reason: 'no_rule',
    hidden: true,
    disclosed: undefined,
    missingScopes: [],
    target: { kind: 'tool', name: 'x' },
  })
})

test('an allow rule allows what it names, and only on its server', () => {
  const rules = [{ tools: ['docs/read_*'] }]
  assert.equal(outcome(rules, toolCall('read_file')), 'allow rule-1')
  const decision = decide(
    compileRules(...rules),
    someCaller(),
    toolCall('read_file'),
    occasionAt('db'),
  )
  assert.equal(decision.effect, 'deny')
})

test('a server that the rules do not know denies everything, whatever the globs say', () => {
  const rules = compileRules({ servers: ['*'] })
  for (const call of [toolCall('x'), callFor({ about: 'method', name: 'ping' })]) {
    const decision = denial(decide(rules, someCaller(), call, occasionAt('elsewhere')))
    assert.equal(decision.reason, 'no_rule')
    assert.equal(decision.hidden, call.needs === 'targets')
  }
})

test('X-02: an allow for read_* allows no name that only looks like it', () => {
  for (const name of ['read', 'xread_a', 'read_a/../delete_all', 'READ_A', 'Read_a', ' read_a']) {
    assert.equal(outcome([{ tools: ['docs/read_*'] }], toolCall(name)), 'deny no_rule', name)
  }
})

test('X-03: a deny for delete_* beats an allow for everything', () => {
  const rules = [{ tools: ['docs/*'] }, { ...DENY, tools: ['docs/delete_*'] }]
  assert.equal(outcome(rules, toolCall('delete_all')), 'deny rule-2')
  assert.equal(outcome(rules, toolCall('delete_all ')), 'deny rule-2')
  assert.equal(outcome(rules, toolCall('read_all')), 'allow rule-1')
})

test('a deny beats an allow whichever names the tool more exactly', () => {
  const rules = [{ tools: ['docs/x'] }, { ...DENY, tools: ['docs/**'] }]
  assert.equal(outcome(rules, toolCall('x')), 'deny rule-2')
  assert.equal(outcome(rules.toReversed(), toolCall('x')), 'deny rule-1')
})

test('a name is held against the rules of its own kind only', () => {
  const rules = [{ tools: ['docs/a'], prompts: ['docs/b'], resources: ['docs:file:///c'] }]
  const ask = (about: 'tool' | 'prompt' | 'resource', name: string): string =>
    outcome(rules, callFor({ about, name }))
  assert.equal(ask('tool', 'b'), 'deny no_rule')
  assert.equal(ask('prompt', 'a'), 'deny no_rule')
  assert.equal(ask('resource', 'file:///a'), 'deny no_rule')
  assert.equal(ask('tool', 'a'), 'allow rule-1')
  assert.equal(ask('prompt', 'b'), 'allow rule-1')
  assert.equal(ask('resource', 'file:///c'), 'allow rule-1')
})

test('except takes away from an allow, and another rule may still give it', () => {
  const wide = { tools: ['docs/*'], except: { tools: ['docs/delete_*'] } }
  assert.equal(outcome([wide], toolCall('delete_all')), 'deny no_rule')
  assert.equal(outcome([wide], toolCall('read')), 'allow rule-1')
  assert.equal(
    outcome([wide, { tools: ['docs/delete_all'] }], toolCall('delete_all')),
    'allow rule-2',
  )
})

test('except takes away from a deny, which then leaves the decision to the allows', () => {
  const deny = { ...DENY, servers: ['docs'], except: { tools: ['docs/ask'] } }
  assert.equal(outcome([deny], toolCall('ask')), 'deny no_rule')
  assert.equal(outcome([deny, { tools: ['docs/*'] }], toolCall('ask')), 'allow rule-2')
  assert.equal(outcome([deny, { tools: ['docs/*'] }], toolCall('tell')), 'deny rule-1')
})

test('an exception for one server leaves the rule whole on the others', () => {
  const rules = compileRules({ tools: ['*/*'], except: { tools: ['db/x'] } })
  assert.equal(decide(rules, someCaller(), toolCall('x'), occasionAt('db')).effect, 'deny')
  assert.equal(decide(rules, someCaller(), toolCall('x'), occasionAt('docs')).effect, 'allow')
})

test('a name without end is denied before any rule is asked', () => {
  const rules = [{ tools: ['docs/**'] }]
  assert.equal(outcome(rules, toolCall('a'.repeat(MAX_NAME_LENGTH))), 'allow rule-1')
  assert.equal(outcome(rules, toolCall('a'.repeat(MAX_NAME_LENGTH + 1))), 'deny no_rule')
})

test('servers alone cover every tool, prompt, resource, template and method there', () => {
  const rules = [{ servers: ['docs'] }]
  for (const about of ['tool', 'prompt', 'resource', 'template', 'method'] as const) {
    assert.equal(outcome(rules, callFor({ about, name: 'file:///x/y' })), 'allow rule-1', about)
    assert.equal(
      outcome([{ servers: ['db'] }], callFor({ about, name: 'file:///x' })),
      'deny no_rule',
      about,
    )
  }
})

test('a task of which no tool is known is never allowed, not even with a whole server', () => {
  const call = callOf('tasks/get', 'targets', [{ kind: 'task', name: 't' }])
  assert.equal(outcome([{ servers: ['**'] }], call), 'deny no_rule')
})

test('a task is as allowed as calling the tool that made it, unless a deny names its method', () => {
  const of = (tool: string, method = 'tasks/get') =>
    callOf(method, 'targets', [{ kind: 'task', name: 'handle', task: { id: 'secret', tool } }])
  const secret = { ...DENY, tools: ['docs/secret'] }
  const rules = [{ servers: ['docs'] }, secret]
  assert.equal(outcome(rules, of('echo')), 'allow rule-1')
  assert.equal(outcome(rules, of('secret')), 'deny rule-2')
  assert.equal(outcome(rules, of('')), 'deny no_rule')
  assert.equal(outcome([{ tools: ['docs/echo'] }], of('other')), 'deny no_rule')
  assert.equal(outcome([{ tools: ['docs/*'] }], of('a'.repeat(5_000))), 'deny no_rule')
  for (const method of ['tasks/cancel', 'tools/call']) {
    const denies = [{ tools: ['docs/*'] }, { ...DENY, methods: [method] }]
    assert.equal(outcome(denies, of('echo', 'tasks/cancel')), 'deny rule-2')
  }
})

test('a method is allowed by name, on all servers or on those listed', () => {
  const call = callFor({ about: 'method', name: 'sampling/createMessage' })
  assert.equal(outcome([{ methods: ['elicitation/*'] }], call), 'deny no_rule')
  assert.equal(outcome([{ methods: ['sampling/*'], servers: ['db'] }], call), 'deny no_rule')
  assert.equal(outcome([{ tools: ['docs/**'] }], call), 'deny no_rule')
  assert.equal(outcome([{ methods: ['sampling/*'] }], call), 'allow rule-1')
  assert.equal(outcome([{ methods: ['sampling/*'], servers: ['docs'] }], call), 'allow rule-1')
})

test('methods beside servers narrow the rule to them', () => {
  const rules = [{ servers: ['docs'], methods: ['logging/setLevel'] }]
  assert.equal(outcome(rules, toolCall('x')), 'deny no_rule')
  assert.equal(outcome(rules, callFor({ about: 'method', name: 'x/y' })), 'deny no_rule')
})

test('except takes methods away, by name from those listed and from a whole server', () => {
  const call = callFor({ about: 'method', name: 'sampling/createMessage' })
  const except = { methods: ['sampling/*'] }
  assert.equal(outcome([{ servers: ['docs'], except }], call), 'deny no_rule')
  assert.equal(outcome([{ methods: ['**'], except }], call), 'deny no_rule')
  const other = callFor({ about: 'method', name: 'elicitation/create' })
  assert.equal(outcome([{ servers: ['docs'], except }], other), 'allow rule-1')
  assert.equal(outcome([{ methods: ['**'], except }], other), 'allow rule-1')
})

test('methods in an allow rule do not allow calls that name a target', () => {
  assert.equal(outcome([{ methods: ['tools/call', '**'] }], toolCall('x')), 'deny no_rule')
})

test('methods in a deny rule apply to every call', () => {
  const deny = { ...DENY, methods: ['tools/call', 'tools/list', 'logging/*'] }
  const rules = [{ servers: ['docs'] }, deny]
  assert.equal(outcome(rules, toolCall('x')), 'deny rule-2')
  assert.equal(outcome(rules, callFor({ about: 'method', name: 'tools/list' })), 'deny rule-2')
  assert.equal(
    outcome(rules, callFor({ about: 'method', name: 'logging/setLevel' })),
    'deny rule-2',
  )
  assert.equal(outcome(rules, callFor({ about: 'prompt', name: 'x' })), 'allow rule-1')
  const others = { ...deny, subjects: [{ kind: 'human' }] } as const
  assert.equal(outcome([{ servers: ['docs'] }, others], toolCall('x')), 'allow rule-1')
})

test('denials of methods do not pretend that the method does not exist', () => {
  const call = callFor({ about: 'method', name: 'x/y' })
  for (const rules of [[], [{ ...DENY, methods: ['**'] }]]) {
    const decision = denial(decide(compileRules(...rules), someCaller(), call, occasionAt('docs')))
    assert.equal(decision.hidden, false)
    assert.equal(decision.target, undefined)
  }
})

test('connecting is allowed to whom any allow rule gives anything there', () => {
  const ping = callFor({ about: 'method', name: 'ping' })
  for (const rule of [
    { tools: ['docs/x'] },
    { prompts: ['docs/x'] },
    { resources: ['docs:x:y'] },
    { methods: ['x/y'] },
    { servers: ['docs'] },
  ]) {
    assert.equal(outcome([rule], ping), `allow ${CONNECTION_RULE}`)
  }
  assert.equal(outcome([], ping), 'deny no_rule')
  assert.equal(outcome([{ tools: ['db/x'] }], ping), 'deny no_rule')
  assert.equal(
    outcome([{ tools: ['docs/x'], subjects: [{ kind: 'human' }] }], ping),
    'deny no_rule',
  )
})

test('connecting is denied by a rule that names the method or the whole server', () => {
  const ping = callFor({ about: 'method', name: 'ping' })
  const allow = { servers: ['docs'] }
  assert.equal(outcome([allow, { ...DENY, servers: ['docs'] }], ping), 'deny rule-2')
  assert.equal(outcome([allow, { ...DENY, methods: ['ping'] }], ping), 'deny rule-2')
  assert.equal(outcome([allow, { ...DENY, methods: ['pong'] }], ping), `allow ${CONNECTION_RULE}`)
  assert.equal(outcome([allow, { ...DENY, tools: ['docs/**'] }], ping), `allow ${CONNECTION_RULE}`)
})

test('a deny of a whole server but for something leaves the way to it open', () => {
  const deny = { ...DENY, servers: ['docs'], except: { tools: ['docs/ask'] } }
  const rules = [{ tools: ['docs/ask'] }, deny]
  assert.equal(
    outcome(rules, callFor({ about: 'method', name: 'initialize' })),
    `allow ${CONNECTION_RULE}`,
  )
  assert.equal(outcome(rules, callFor({ about: 'method', name: 'x/y' })), 'deny rule-2')
})

test('a call that could name targets but names none needs no more than its connection', () => {
  const call = callOf('tools/call', 'targets')
  assert.equal(outcome([{ prompts: ['docs/x'] }], call), `allow ${CONNECTION_RULE}`)
  assert.equal(outcome([], call), 'deny no_rule')
})

test('of several targets every one must be allowed', () => {
  const call = callOf('x/y', 'targets', [
    { kind: 'tool', name: 'a' },
    { kind: 'tool', name: 'b' },
  ])
  const decision = denial(
    decide(compileRules({ tools: ['docs/a'] }), someCaller(), call, occasionAt('docs')),
  )
  assert.deepEqual(decision.target, { kind: 'tool', name: 'b' })
  assert.equal(outcome([{ tools: ['docs/a'] }, { tools: ['docs/b'] }], call), 'allow rule-1')
})

test('X-05: a subscription goes on without the targets that are not allowed', () => {
  const targets = ['file:///a', 'file:///b'].map((name) => ({ kind: 'resource' as const, name }))
  const call = callOf('subscriptions/listen', 'targets', targets)
  const rules = compileRules({ resources: ['docs:file:///a'] })
  const dropped = [{ kind: 'resource', name: 'file:///b' }]
  assert.deepEqual(decide(rules, someCaller(), call, occasionAt('docs')), {
    effect: 'allow',
    rule: CONNECTION_RULE,
    dropped,
  })
  assert.equal(decide(rules, someCaller(), call, occasionAt('db')).effect, 'deny')
  const denied = [{ resources: ['docs:**'] }, { ...DENY, methods: ['subscriptions/*'] }]
  assert.equal(outcome(denied, call), 'deny rule-2')
})

test('a reason is told only by a deny rule that discloses it, and then nothing is hidden', () => {
  const said = { ...DENY, tools: ['docs/x'], reason: 'No.' }
  assert.deepEqual(decided(said), [undefined, true])
  assert.deepEqual(decided({ ...said, effect: 'allow', subjects: [{ kind: 'human' }] }), [
    undefined,
    true,
  ])
  assert.deepEqual(decided({ ...said, disclose: true }), ['No.', false])
})

const TEMPLATES: readonly (readonly [
  rules: readonly RuleDraft[],
  template: string,
  effect: string,
])[] = [
  [[], 'file:///a/{x}', 'deny'],
  [[{ resources: ['docs:file:///b/**'] }], 'file:///a/{x}', 'deny'],
  [[{ resources: ['docs:file:///a/b/*'] }], 'file:///a/c/{x}', 'deny'],
  [[{ tools: ['docs/**'] }], 'file:///a/{x}', 'deny'],
  [[{ resources: ['docs:file:///a/**'] }], 'file:///a/{x}', 'allow'],
  [[{ resources: ['docs:file:///a/b/c'] }], 'file:///a/{x}', 'allow'],
  [[{ resources: ['docs:file:///a/b/*'] }], 'file:///{x}', 'allow'],
  [[{ resources: ['docs:**'] }], '{+any}', 'allow'],
  [[{ servers: ['docs'] }, { ...DENY, resources: ['docs:file:///a/**'] }], 'file:///a/{x}', 'deny'],
  [[{ servers: ['docs'] }, { ...DENY, resources: ['docs:file:///a/b'] }], 'file:///a/{x}', 'allow'],
  [[{ servers: ['docs'], except: { resources: ['docs:file:///a/**'] } }], 'file:///a/{x}', 'deny'],
  [[{ servers: ['docs'], except: { resources: ['docs:file:///a/b'] } }], 'file:///a/{x}', 'allow'],
  [
    [
      { servers: ['docs'] },
      { ...DENY, servers: ['docs'], except: { resources: ['docs:file:///a/b'] } },
    ],
    'file:///a/{x}',
    'allow',
  ],
  [
    [
      { servers: ['docs'] },
      { ...DENY, servers: ['docs'], except: { resources: ['docs:file:///b/*'] } },
    ],
    'file:///a/{x}',
    'deny',
  ],
]

test('a template is allowed when something made from it could be, and nothing denies its text', () => {
  for (const [rules, template, effect] of TEMPLATES) {
    const decision = decide(
      compileRules(...rules),
      someCaller(),
      callFor({ about: 'template', name: template }),
      occasionAt('docs'),
    )
    assert.equal(decision.effect, effect, `${JSON.stringify(rules)} ${template}`)
  }
})

test('every kind of target has an answer', () => {
  const kinds: readonly TargetKind[] = ['tool', 'prompt', 'resource', 'template', 'task']
  for (const kind of kinds) {
    const call = callOf('x', 'targets', [{ kind, name: 'file:///a' }])
    assert.equal(outcome([], call), 'deny no_rule')
    assert.equal(outcome([{ ...DENY, methods: ['x'] }], call), 'deny rule-1')
  }
})

test('a resource URI that two readers could resolve differently is denied whatever the rules say', () => {
  const everything = [{ servers: ['docs'] }]
  for (const name of ['file:///pub/../priv', 'file:///pub/%2e%2e/priv', 'FILE:///pub', 'pub']) {
    assert.equal(
      outcome(everything, callFor({ about: 'resource', name })),
      'deny resource_uri',
      name,
    )
  }
})

test('the page of a tool is as allowed as calling the tool, unless a rule denies the page', () => {
  const uri = 'ui://docs/form'
  const of = (tools: readonly string[], method = 'resources/read') =>
    callOf(method, 'targets', [{ kind: 'resource', name: uri, tools }])
  const tools = [{ tools: ['docs/form'] }]
  assert.equal(outcome(tools, of(['form'])), 'allow rule-1')
  assert.equal(outcome(tools, of(['other', 'form'])), 'allow rule-1')
  assert.equal(outcome(tools, of(['other', 'x'.repeat(MAX_NAME_LENGTH + 1)])), 'deny no_rule')
  assert.equal(outcome(tools, of([])), 'deny no_rule')
  const page = { ...DENY, resources: [`docs:${uri}`] }
  assert.equal(outcome([...tools, page], of(['form'])), 'deny rule-2')
  assert.equal(outcome([...tools, { ...DENY, tools: ['docs/form'] }], of(['form'])), 'deny no_rule')
  assert.equal(outcome([{ resources: [`docs:${uri}`] }, page], of(['form'])), 'deny rule-2')
  assert.equal(outcome([{ resources: [`docs:${uri}`] }], of(['form'])), 'allow rule-1')
})
