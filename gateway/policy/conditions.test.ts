import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import { DEFAULT_TRAITS, type ToolTraits } from '../model/tool-traits.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callFor, frameFor, type Question } from './ask.ts'
import { decide } from './decide.ts'
import { NO_FACTS, type Occasion, occasionAt } from './occasion.ts'
import { isVisible, mayConnect } from './visible.ts'

type Asked = {
  readonly args?: Readonly<Record<string, unknown>>
  readonly at?: string
  readonly traits?: readonly Partial<ToolTraits>[]
  readonly caller?: Caller
  readonly question?: Question
}

const TARGET = { kind: 'tool', name: 'read' } as const

function occasion({ at = '2026-11-23T12:00Z', traits = [] }: Asked): Occasion {
  const facts = { ...NO_FACTS, traits: () => traits.map((one) => ({ ...DEFAULT_TRAITS, ...one })) }
  return occasionAt('docs', { nowMs: Date.parse(at), address: '192.0.2.7', facts })
}

function decided(rules: readonly RuleDraft[], asked: Asked): Decision {
  const { args, caller = someCaller() } = asked
  const question = asked.question ?? { about: 'tool', name: 'read', ...(args && { args }) }
  const frame = frameFor(question)
  return decide(compileRules(...rules), caller, callFor(question), { ...occasion(asked), frame })
}

function effect(rules: readonly RuleDraft[], asked: Asked = {}): string {
  const decision = decided(rules, asked)
  return decision.effect === 'deny' && decision.hidden ? 'hidden' : decision.effect
}

function isShown(rules: readonly RuleDraft[], asked: Asked = {}): boolean {
  const caller = asked.caller ?? someCaller()
  return isVisible(compileRules(...rules), caller, TARGET, occasion(asked))
}

const ALL = { tools: ['docs/*'] } as const satisfies RuleDraft

function allowWhen(when: string): RuleDraft {
  return { ...ALL, when }
}

function denyWhen(when: string): RuleDraft {
  return { ...ALL, effect: 'deny', when }
}

test('an allow holds only where its expression is true', () => {
  const rules = [allowWhen('args.path.startsWith("/pub/")')]
  assert.equal(effect(rules, { args: { path: '/pub/a' } }), 'allow')
  for (const args of [{ path: '/etc/passwd' }, { path: 7 }, { path: ['/pub/a'] }, {}, undefined]) {
    assert.equal(effect(rules, args && { args }), 'deny', JSON.stringify(args))
  }
})

test('a deny and a requirement hold also where their expression has no answer', () => {
  const deny = [ALL, denyWhen('args.path.startsWith("/etc/")')]
  assert.equal(effect(deny, { args: { path: '/pub/a' } }), 'allow')
  assert.equal(effect(deny, { args: { path: '/etc/a' } }), 'deny')
  assert.equal(effect(deny, { args: {} }), 'deny')
  const guarded = [ALL, denyWhen('has(args.path) && args.path.startsWith("/etc/")')]
  assert.equal(effect(guarded, { args: {} }), 'allow')
  const require = { approval: { by: 'subject' } }
  const required = [ALL, { ...denyWhen('args.n > 10'), effect: 'require', require } as const]
  assert.equal(effect(required, { args: { n: 1 } }), 'allow')
  assert.equal(effect(required, { args: { n: 11 } }), 'require')
  assert.equal(effect(required, { args: {} }), 'require')
})

test('lists show what depends on arguments, and calling it in vain is refused openly', () => {
  assert.equal(isShown([allowWhen('args.path == "/a"')]), true)
  assert.equal(isShown([allowWhen('has(args.path)')]), true)
  assert.equal(isShown([ALL, denyWhen('args.path == "/a"')]), true)
  assert.equal(isShown([ALL, denyWhen('!has(args.path)')]), true)
  const denied = decided([allowWhen('args.path == "/a"')], { args: { path: '/b' } })
  assert.deepEqual(
    [denied.effect, denied.rule, denied.effect === 'deny' && denied.hidden],
    ['deny', undefined, false],
  )
})

test('lists hide what no arguments could make allowed', () => {
  assert.equal(isShown([allowWhen('caller.kind == "human" && args.path == "/a"')]), false)
  assert.equal(isShown([allowWhen('caller.claims.dept == "x"')]), false)
  assert.equal(isShown([ALL, denyWhen('server == "docs" || args.path == "/a"')]), false)
  assert.equal(isShown([ALL, denyWhen('caller.claims.dept == "x"')]), false)
  assert.equal(effect([allowWhen('caller.kind == "human"')]), 'hidden')
  assert.equal(effect([ALL, denyWhen('caller.kind == "agent"')]), 'hidden')
})

test('what is hidden for one reason stays hidden when arguments are in the way, too', () => {
  const never = { ...ALL, effect: 'deny' } as const
  assert.equal(effect([allowWhen('args.path == "/a"'), never], { args: { path: '/b' } }), 'hidden')
})

test('expressions see the caller, the tool, the server, the time and the request', () => {
  const caller = someCaller({
    subject: 'ann',
    groups: new Set(['a', 'b']),
    scopes: new Set(['s']),
    actors: [{ issuer: 'i', subject: 'bot' }],
    claims: { dept: { name: 'sales' }, level: 3 },
  })
  for (const when of [
    'caller.subject == "ann" && caller.kind == "agent" && caller.tenant == "default"',
    '"a" in caller.groups && "s" in caller.scopes && !caller.interactive',
    'caller.actors.exists(actor, actor.subject == "bot")',
    'caller.claims.dept.name == "sales" && caller.claims.level > 2',
    'tool.name == "read" && tool.annotations.destructiveHint && uri == ""',
    'server == "docs" && request.method == "tools/call" && request.ip == "192.0.2.7"',
    'now.getHours() == 12',
  ]) {
    assert.equal(effect([allowWhen(when)], { caller }), 'allow', when)
    assert.equal(effect([allowWhen(`!(${when})`)], { caller }), 'hidden', when)
  }
})

test('arguments that readers read otherwise, or that are too many, are no answer', () => {
  const text = (when: string, args: string): string => {
    const frame = Buffer.from(args)
    const call = {
      ...callFor({ about: 'tool', name: 'read' }),
      arguments: { start: 0, end: frame.length },
    }
    return decide(compileRules(allowWhen(when)), someCaller(), call, { ...occasion({}), frame })
      .effect
  }
  assert.equal(text('has(args.n)', '{"n":9007199254740991}'), 'allow')
  assert.equal(text('has(args.n)', '{"n":9007199254740993}'), 'deny')
  assert.equal(text('has(args.n)', '{"n":1e400}'), 'deny')
  const list = (length: number): string => JSON.stringify({ n: Array(length).fill('a') })
  assert.equal(text('args.n.all(x, x == "a")', list(1_000)), 'allow')
  assert.equal(text('args.n.all(x, x == "a")', list(1_001)), 'deny')
  const long = (length: number): string => JSON.stringify({ n: 'a'.repeat(length) })
  assert.equal(text('args.n.startsWith("a")', long(200_000)), 'allow')
  assert.equal(text('args.n.startsWith("a")', long(300_000)), 'deny')
  assert.equal(text('args.n.matches("^a+$")', long(30_000)), 'allow')
  assert.equal(text('args.n.matches("^a+$")', long(40_000)), 'deny')
  assert.equal(text('!has(args.x)', 'null'), 'allow')
})

test('a rule without an expression costs no look at the arguments', () => {
  const frame = Buffer.from('not JSON at all')
  const call = { ...callFor({ about: 'tool', name: 'read' }), arguments: { start: 0, end: 15 } }
  const rules = compileRules(ALL, { ...ALL, when: 'caller.kind == "agent"' })
  assert.equal(decide(rules, someCaller(), call, { ...occasion({}), frame }).effect, 'allow')
})

test('a URI is what a resource is asked for by, and unknown of a template', () => {
  const rules = [{ resources: ['docs:file:///**'], when: 'under(uri, "file:///pub")' }]
  const read = (name: string): string => effect(rules, { question: { about: 'resource', name } })
  assert.equal(read('file:///pub/a'), 'allow')
  assert.equal(read('file:///secret'), 'hidden')
  const compiled = compileRules(...rules)
  const sees = (kind: 'resource' | 'template', name: string): boolean =>
    isVisible(compiled, someCaller(), { kind, name }, occasion({}))
  assert.deepEqual(
    [
      sees('resource', 'file:///pub/a'),
      sees('resource', 'file:///secret'),
      sees('template', 'file:///{x}'),
    ],
    [true, false, true],
  )
  assert.equal(effect(rules, { question: { about: 'template', name: 'file:///{x}' } }), 'allow')
})

test('a rule holds while its window is open, and lists hide it otherwise', () => {
  const office = { ...ALL, during: { days: ['mon-fri'], hours: '08:00-18:00' } }
  const [open, shut] = [{ at: '2026-11-23T12:00Z' }, { at: '2026-11-23T18:00Z' }]
  assert.deepEqual([effect([office], open), effect([office], shut)], ['allow', 'hidden'])
  assert.deepEqual([isShown([office], open), isShown([office], shut)], [true, false])
  const shown = { ...office, show: true }
  assert.deepEqual([isShown([shown], shut), effect([shown], shut)], [true, 'deny'])
  const reason = decided([shown], shut)
  assert.ok(reason.effect === 'deny')
  assert.deepEqual([reason.reason, reason.rule], ['outside_window', 'rule-1'])
  const deny = { ...office, effect: 'deny' } as const
  assert.deepEqual([effect([ALL, deny], open), effect([ALL, deny], shut)], ['hidden', 'allow'])
})

test('a window opens and closes the connection of who has nothing else here', () => {
  const may = (rules: readonly RuleDraft[], asked: Asked): boolean =>
    mayConnect(compileRules(...rules), someCaller(), occasion(asked))
  const office = { ...ALL, during: { hours: '08:00-18:00' } }
  assert.equal(may([office], { at: '2026-11-23T12:00Z' }), true)
  assert.equal(may([office], { at: '2026-11-23T18:00Z' }), false)
})

test('what depends on a call keeps nobody from connecting, and lets in who could make it', () => {
  const may = (...rules: readonly RuleDraft[]): boolean =>
    mayConnect(compileRules(...rules), someCaller(), occasion({}))
  const whole = { effect: 'deny', servers: ['docs'] } as const
  assert.equal(may(allowWhen('args.path == "/a"')), true)
  assert.equal(may(ALL, { ...whole, when: 'args.path == "/a"' }), true)
  assert.equal(may(ALL, { ...whole, when: 'tool.name == "x"' }), true)
  assert.equal(may(ALL, { ...whole, when: 'caller.kind == "agent"' }), false)
  assert.equal(may(allowWhen('caller.kind == "human"')), false)
})

test('annotations are those of the catalogue, and the defaults where it has none', () => {
  const safe = { ...ALL, annotations: { readOnlyHint: true } }
  const noDestroyers = [
    ALL,
    { ...ALL, effect: 'deny', annotations: { destructiveHint: true } },
  ] as const
  assert.equal(effect([safe]), 'hidden')
  assert.equal(effect([safe], { traits: [{ readOnlyHint: true }] }), 'allow')
  assert.equal(effect(noDestroyers), 'hidden')
  assert.equal(effect(noDestroyers, { traits: [{ destructiveHint: false }] }), 'allow')
  assert.equal(isShown([safe], { traits: [{ readOnlyHint: true }] }), true)
  assert.equal(isShown(noDestroyers), false)
})

test('of several definitions of a tool the worst counts, in lists of annotations and in expressions', () => {
  const traits = [{ readOnlyHint: true, destructiveHint: false }, {}]
  const safe = { ...ALL, annotations: { readOnlyHint: true } }
  const deny = { ...ALL, effect: 'deny', annotations: { destructiveHint: true } } as const
  assert.equal(effect([safe], { traits }), 'hidden')
  assert.equal(effect([ALL, deny], { traits }), 'hidden')
  assert.equal(effect([allowWhen('tool.annotations.readOnlyHint')], { traits }), 'hidden')
  assert.equal(effect([ALL, denyWhen('tool.annotations.destructiveHint')], { traits }), 'hidden')
  assert.equal(
    effect([allowWhen('tool.annotations.readOnlyHint')], { traits: [traits[0] ?? {}] }),
    'allow',
  )
})

test('a rule about annotations is about tools and nothing else', () => {
  const rule = { servers: ['docs'], annotations: { destructiveHint: true } }
  const asked = (about: Question['about'], name: string): string =>
    effect([rule], { question: { about, name } })
  assert.equal(asked('tool', 'x'), 'allow')
  assert.equal(asked('prompt', 'x'), 'hidden')
  assert.equal(asked('method', 'sampling/createMessage'), 'deny')
  assert.equal(asked('method', 'tools/list'), 'allow')
})

test('a task and a page of a tool are as allowed as calling it, also where a rule looks at the method', () => {
  const task = { id: '1', tool: 'read' }
  const page = { kind: 'resource', name: 'ui://read', tools: ['read'] } as const
  const asked = [
    ['tasks/result', { kind: 'task', name: 'handle', task }],
    ['resources/read', page],
  ] as const
  const calling = 'request.method == "tools/call"'
  for (const [method, target] of asked) {
    const call = { ...callFor({ about: 'tool', name: 'read' }), method, targets: [target] }
    const effectOf = (...rules: readonly RuleDraft[]): string =>
      decide(compileRules(...rules), someCaller(), call, occasion({})).effect
    assert.equal(effectOf(ALL), 'allow', method)
    assert.equal(effectOf(allowWhen(calling)), 'allow', method)
    assert.equal(effectOf(ALL, denyWhen(calling)), 'deny', method)
  }
})
