import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy, fileOf, RULE, SERVERS } from '../testkit/compile-policy.ts'

function warningsOf(...rules: readonly object[]): readonly string[] {
  const compiled = compilePolicy([fileOf({ version: 1, rules })], SERVERS)
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.warnings.map(({ file, message }) => `${file}: ${message}`)
}

const REQUIRED = { effect: 'require', require: { approval: { by: 'subject' } } }

const WARNED: readonly (readonly [what: string, rules: readonly object[], warning: RegExp])[] = [
  [
    'an allow for tools/call by method',
    [{ ...RULE, methods: ['tools/call'] }],
    /^rules\.0\.methods\.0: .*allow tools instead/,
  ],
  ['an allow for all methods', [{ ...RULE, methods: ['**'] }], /names a target/],
  [
    'a scheme in upper case',
    [{ ...RULE, resources: ['docs:FILE:///x'] }],
    /^rules\.0\.resources\.0: .*FILE/,
  ],
  [
    'a deny that can never match',
    [{ ...RULE, effect: 'deny', resources: ['docs:file:///a/../b'] }],
    /no canonical URI/,
  ],
  [
    'an exception from what the rule does not cover',
    [{ ...RULE, except: { prompts: ['docs/x'] } }],
    /^rules\.0\.except\.prompts\.0: "docs\/x" takes nothing away/,
  ],
  [
    'an exception on another server',
    [{ ...RULE, except: { tools: ['db/x'] } }],
    /takes nothing away/,
  ],
  [
    'a rule whose exceptions leave nothing of it',
    [{ ...RULE, tools: ['docs/a_*', 'docs/b'], except: { tools: ['docs/a*', 'docs/b'] } }],
    /^rules\.0: the rule "a" covers nothing: its "except" takes all of it away/,
  ],
  [
    'an allow that a deny for everybody shadows',
    [RULE, { ...RULE, id: 'b', effect: 'deny', tools: ['docs/*'] }],
    /^rules\.0: the rule "a" allows nothing: "b"/,
  ],
  [
    'an allow that a deny of the whole server shadows',
    [
      { ...RULE, subjects: [{ kind: 'agent', groups: ['g'] }] },
      { id: 'b', effect: 'deny', subjects: [{ kind: 'agent' }], servers: ['*'] },
    ],
    /allows nothing/,
  ],
  [
    'a requirement for what belongs to being connected',
    [{ ...RULE, ...REQUIRED, methods: ['tools/list'] }],
    /nothing can be required: deny it instead/,
  ],
  [
    'an approval of a method without arguments to be shown',
    [{ ...RULE, ...REQUIRED, methods: ['acme/wipe'] }],
    /^rules\.0\.methods\.0: nobody can approve "acme\/wipe"/,
  ],
]

for (const [what, rules, warning] of WARNED) {
  test(`${what} loads with a warning`, () => {
    const warnings = warningsOf(...rules)
    assert.equal(warnings.length, 1, warnings.join('\n'))
    assert.match(warnings[0] ?? '', warning)
  })
}

const UNWARNED: readonly (readonly [what: string, rules: readonly object[]])[] = [
  ['a deny for tools/call by method', [{ ...RULE, effect: 'deny', methods: ['tools/call'] }]],
  ['an allow for a method without target', [{ ...RULE, methods: ['logging/setLevel'] }]],
  [
    'an allow that a deny leaves something of',
    [
      { ...RULE, tools: ['docs/*'] },
      { ...RULE, id: 'b', effect: 'deny', tools: ['docs/x*'] },
    ],
  ],
  [
    'an allow on two servers, denied on one',
    [
      { ...RULE, tools: ['*/x'] },
      { ...RULE, id: 'b', effect: 'deny', tools: ['docs/**'] },
    ],
  ],
  [
    'an allow for more people than are denied',
    [RULE, { ...RULE, id: 'b', effect: 'deny', subjects: [{ kind: 'agent' }] }],
  ],
  [
    'an allow beside a deny with exceptions',
    [RULE, { ...RULE, id: 'b', effect: 'deny', tools: ['docs/*'], except: { tools: ['docs/x'] } }],
  ],
  [
    'a rule that is excepted from all of one server, and covers another',
    [{ ...RULE, tools: ['*/x'], except: { tools: ['db/x'] } }],
  ],
  [
    'a whole server with an exception',
    [{ ...RULE, tools: undefined, servers: ['docs'], except: { prompts: ['docs/x'] } }],
  ],
]

for (const [what, rules] of UNWARNED) {
  test(`${what} loads without a warning`, () => {
    const clean = rules.map((rule) => JSON.parse(JSON.stringify(rule)) as object)
    assert.deepEqual(warningsOf(...clean), [])
  })
}
