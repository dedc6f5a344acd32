import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { isUsable, isVisible, mayConnect } from './visible.ts'
import { occasionAt } from './occasion.ts'

const DENY = { effect: 'deny' } as const
const ALLOW = { tools: ['docs/x'] } as const
const SCOPED = { tools: ['docs/x'], subjects: [{ scopes: ['a'] }] } as const

/** The rows of the list-time table that this version of the language has. */
const ROWS: readonly {
  readonly what: string
  readonly rules: readonly RuleDraft[]
  readonly caller?: Partial<Caller>
  readonly shown: boolean
}[] = [
  { what: 'what no rule allows', rules: [], shown: false },
  {
    what: 'what is allowed to others',
    rules: [{ ...ALLOW, subjects: [{ kind: 'human' }] }],
    shown: false,
  },
  { what: 'what is allowed on another server', rules: [{ tools: ['db/x'] }], shown: false },
  { what: 'what is allowed', rules: [ALLOW], shown: true },
  { what: 'what is denied', rules: [ALLOW, { ...DENY, tools: ['docs/*'] }], shown: false },
  {
    what: 'what is denied with its reason in public',
    rules: [ALLOW, { ...DENY, tools: ['docs/*'], reason: 'No.', disclose: true }],
    shown: false,
  },
  {
    what: 'what is denied by method',
    rules: [ALLOW, { ...DENY, methods: ['tools/call'] }],
    shown: false,
  },
  {
    what: 'what another method is denied for',
    rules: [ALLOW, { ...DENY, methods: ['prompts/get'] }],
    shown: true,
  },
  { what: 'what is excepted', rules: [{ ...ALLOW, except: { tools: ['docs/x'] } }], shown: false },
  {
    what: 'what lacks only scopes that can be had',
    rules: [SCOPED],
    caller: { interactive: true },
    shown: true,
  },
  { what: 'what lacks scopes that cannot be had', rules: [SCOPED], shown: false },
  {
    what: 'what lacks scopes and is denied',
    rules: [SCOPED, { ...DENY, tools: ['docs/x'] }],
    caller: { interactive: true },
    shown: false,
  },
]

for (const { what, rules, caller, shown } of ROWS) {
  test(`a list ${shown ? 'shows' : 'does not show'} ${what}`, () => {
    const visible = isVisible(
      compileRules(...rules),
      someCaller(caller),
      { kind: 'tool', name: 'x' },
      occasionAt('docs'),
    )
    assert.equal(visible, shown)
  })
}

test('a list shows no tasks and nothing of a server that the rules do not know', () => {
  const rules = compileRules({ servers: ['**'] })
  assert.equal(
    isVisible(rules, someCaller(), { kind: 'task', name: 'x' }, occasionAt('docs')),
    false,
  )
  assert.equal(
    isVisible(rules, someCaller(), { kind: 'tool', name: 'x' }, occasionAt('elsewhere')),
    false,
  )
  assert.equal(
    isVisible(rules, someCaller(), { kind: 'template', name: 'x:{y}' }, occasionAt('docs')),
    true,
  )
})

test('a caller may connect where some rule allows it something, or would with more scopes', () => {
  assert.equal(may([]), false)
  assert.equal(may([{ tools: ['db/x'] }]), false)
  assert.equal(may([SCOPED]), false)
  assert.equal(may([SCOPED], { interactive: true }), true)
  assert.equal(may([ALLOW]), true)
  assert.equal(may([ALLOW, { ...DENY, servers: ['docs'] }]), false)
  assert.equal(may([ALLOW, { ...DENY, servers: ['docs'], except: { tools: ['docs/x'] } }]), true)
  assert.equal(mayConnect(compileRules(ALLOW), someCaller(), occasionAt('elsewhere')), false)
})

function may(rules: readonly RuleDraft[], caller: Partial<Caller> = {}): boolean {
  return mayConnect(compileRules(...rules), someCaller(caller), occasionAt('docs'))
}

test('what lacks scopes that could be had is shown and cannot be used yet; what waits for approval can', () => {
  const target = { kind: 'tool', name: 'x' } as const
  const asked = (drafts: readonly RuleDraft[], scopes: readonly string[]) => {
    const caller = someCaller({ interactive: true, scopes: new Set(scopes) })
    const at = occasionAt('docs')
    const rules = compileRules(...drafts)
    return [isVisible(rules, caller, target, at), isUsable(rules, caller, target, at)]
  }
  assert.deepEqual(asked([SCOPED], []), [true, false])
  assert.deepEqual(asked([SCOPED], ['a']), [true, true])
  const approval = {
    effect: 'require',
    require: { approval: { by: 'subject' } },
    ...ALLOW,
  } as const
  assert.deepEqual(asked([ALLOW, approval], []), [true, true])
  assert.deepEqual(asked([], []), [false, false])
})
