import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy, fileOf, RULE, SERVERS } from '../testkit/compile-policy.ts'

/** Everything wrong with a file, as `path: message`; empty when it loads. */
function faultsOf(data: unknown, servers: readonly string[] = SERVERS): readonly string[] {
  const compiled = compilePolicy([fileOf(data)], servers)
  return compiled.ok ? [] : compiled.problems.map(({ file, message }) => `${file}: ${message}`)
}

function ruleWith(parts: object): unknown {
  return { version: 1, rules: [{ ...RULE, ...parts }] }
}

function ruleWithout(key: keyof typeof RULE): unknown {
  return { version: 1, rules: [{ ...RULE, [key]: undefined }] }
}

test('a file that says what it means loads', () => {
  assert.deepEqual(faultsOf({ version: 1, default: 'deny', rules: [RULE] }), [])
  assert.deepEqual(faultsOf({ version: 1, rules: [] }), [])
})

test('no files at all are a policy that denies everything', () => {
  const compiled = compilePolicy([], SERVERS)
  assert.ok(compiled.ok)
  assert.deepEqual([...compiled.rules.servers.keys()], SERVERS)
})

const WRONG: readonly (readonly [what: string, data: unknown, path: string, says: RegExp])[] = [
  ['a list at the top', [], '', /mapping/],
  ['nothing at all', null, '', /mapping/],
  ['another version', { version: 2, rules: [] }, 'version', /version: 1/],
  ['no version', { rules: [] }, 'version', /version: 1/],
  ['default: allow', { version: 1, default: 'allow', rules: [] }, 'default', /deny/],
  ['no rules', { version: 1 }, 'rules', /list/],
  [
    'an unknown key of the file',
    { version: 1, rules: [], rule: 1 },
    'rule (key)',
    /unknown key "rule"/,
  ],
  ['an unknown mode', { version: 1, mode: 'dry', rules: [] }, 'mode', /enforce or shadow/],
  ['a rule that is no mapping', { version: 1, rules: ['x'] }, 'rules.0', /mapping/],
  [
    'an unknown key of a rule',
    ruleWith({ tool: ['docs/x'] }),
    'rules.0.tool (key)',
    /unknown key "tool"/,
  ],
  [
    'an expression that is none',
    ruleWith({ when: 'args.x ==' }),
    'rules.0.when',
    /no CEL at 1:8 in it/,
  ],
  ['an empty expression', ruleWith({ when: '' }), 'rules.0.when', /text/],
  ['an empty window', ruleWith({ during: {} }), 'rules.0.during', /is always/],
  ['empty annotations', ruleWith({ annotations: {} }), 'rules.0.annotations', /is empty/],
  [
    'unknown annotations',
    ruleWith({ annotations: { destructive: true } }),
    'rules.0.annotations.destructive (key)',
    /destructiveHint/,
  ],
  [
    'annotations of prompts',
    {
      version: 1,
      rules: [
        { ...RULE, tools: undefined, prompts: ['docs/x'], annotations: { readOnlyHint: true } },
      ],
    },
    'rules.0.annotations (key)',
    /those of tools/,
  ],
  [
    'an empty list of obligations',
    ruleWith({ obligations: [] }),
    'rules.0.obligations',
    /is empty/,
  ],
  [
    'an obligation with two keys',
    ruleWith({ obligations: [{ audit: 'arguments', notify: 'x' }] }),
    'rules.0.obligations.0',
    /one key/,
  ],
  [
    'redacting what is not recorded',
    ruleWith({ obligations: [{ redact: ['password'] }] }),
    'rules.0.obligations.0.redact.0',
    /nothing to redact: add "- audit: arguments"/,
  ],
  [
    'a path without a name',
    ruleWith({ obligations: [{ audit: 'arguments' }, { redact: ['a..b'] }] }),
    'rules.0.obligations.1.redact.0',
    /is no path/,
  ],
  [
    'arguments of calls that are denied',
    ruleWith({ effect: 'deny', obligations: [{ audit: 'arguments' }] }),
    'rules.0.obligations.0.audit (key)',
    /denied has no record of arguments/,
  ],
  ['another effect', ruleWith({ effect: 'permit' }), 'rules.0.effect', /allow or deny/],
  ['no effect', ruleWithout('effect'), 'rules.0.effect', /missing/],
  ['no id', ruleWithout('id'), 'rules.0.id', /missing/],
  ['an id that is not kebab-case', ruleWith({ id: 'A_b' }), 'rules.0.id', /kebab-case/],
  ['an id with a double dash', ruleWith({ id: 'a--b' }), 'rules.0.id', /kebab-case/],
  ['an id that is too long', ruleWith({ id: 'a'.repeat(65) }), 'rules.0.id', /kebab-case/],
  ['no subjects', ruleWithout('subjects'), 'rules.0', /whom/],
  ['an empty list of subjects', ruleWith({ subjects: [] }), 'rules.0.subjects', /empty/],
  ['a subject without conditions', ruleWith({ subjects: [{}] }), 'rules.0.subjects.0', /any: true/],
  ['any: false', ruleWith({ subjects: [{ any: false }] }), 'rules.0.subjects.0.any', /true/],
  [
    'any beside conditions',
    ruleWith({ subjects: [{ any: true, kind: 'agent' }] }),
    'rules.0.subjects.0',
    /alone/,
  ],
  [
    'an unknown kind',
    ruleWith({ subjects: [{ kind: 'robot' }] }),
    'rules.0.subjects.0.kind',
    /human/,
  ],
  [
    'no claims in claims',
    ruleWith({ subjects: [{ claims: {} }] }),
    'rules.0.subjects.0.claims',
    /is empty/,
  ],
  [
    'a claim that is a mapping',
    ruleWith({ subjects: [{ claims: { a: { b: 1 } } }] }),
    'rules.0.subjects.0.claims.a',
    /a text, a number/,
  ],
  ['a chain in an allow', ruleWith({ subjects: [{ chain: ['x'] }] }), 'rules.0.subjects', /deny/],
  ['no delegation', ruleWith({ delegation: {} }), 'rules.0.delegation', /is empty/],
  [
    'delegation without end',
    ruleWith({ delegation: { max_depth: 99 } }),
    'rules.0.delegation.max_depth',
    /from 0 to 10/,
  ],
  [
    'delegation in a deny',
    ruleWith({ effect: 'deny', delegation: { max_depth: 1 } }),
    'rules.0.delegation (key)',
    /names a chain/,
  ],
  [
    'no groups in groups',
    ruleWith({ subjects: [{ groups: [] }] }),
    'rules.0.subjects.0.groups',
    /empty/,
  ],
  [
    'one group as text',
    ruleWith({ subjects: [{ groups: 'g' }] }),
    'rules.0.subjects.0.groups',
    /list/,
  ],
  [
    'two scopes in one text',
    ruleWith({ subjects: [{ scopes: ['a b'] }] }),
    'rules.0.subjects.0.scopes.0',
    /one scope/,
  ],
  [
    'a set of subjects that is not there',
    ruleWith({ subjects: [{ set: 'x' }] }),
    'rules.0.subjects.0.set',
    /not defined/,
  ],
  ['no target', ruleWithout('tools'), 'rules.0', /no target/],
  ['an empty list of tools', ruleWith({ tools: [] }), 'rules.0.tools', /empty/],
  [
    'a resource with a slash after the server',
    ruleWith({ resources: ['docs/file:///a'] }),
    'rules.0.resources.0',
    /must name a server and a glob, like "docs:file:/,
  ],
  ['a tool without a server', ruleWith({ tools: ['x'] }), 'rules.0.tools.0', /must name a server/],
  [
    'a tool with an empty server',
    ruleWith({ tools: ['/x'] }),
    'rules.0.tools.0',
    /must name a server/,
  ],
  [
    'a tool with an empty name',
    ruleWith({ tools: ['docs/'] }),
    'rules.0.tools.0',
    /must name a server/,
  ],
  [
    'a resource written like a tool',
    ruleWith({ resources: ['docs/x'] }),
    'rules.0.resources.0',
    /name a server/,
  ],
  [
    'a server that is not configured',
    ruleWith({ tools: ['doc/x'] }),
    'rules.0.tools.0',
    /docs, db, notes/,
  ],
  [
    'a server glob without a server',
    ruleWith({ tools: ['x*/y'] }),
    'rules.0.tools.0',
    /no configured server/,
  ],
  [
    'an unknown server in except',
    ruleWith({ except: { tools: ['doc/x'] } }),
    'rules.0.except.tools.0',
    /"doc"/,
  ],
  [
    'a character class',
    ruleWith({ tools: ['docs/[ab]'] }),
    'rules.0.tools.0',
    /no meaning in a glob/,
  ],
  ['braces', ruleWith({ prompts: ['docs/{a,b}'] }), 'rules.0.prompts.0', /no meaning in a glob/],
  ['an escape', ruleWith({ methods: ['x\\*'] }), 'rules.0.methods.0', /no meaning in a glob/],
  ['a control character', ruleWith({ tools: ['docs/a\u0000'] }), 'rules.0.tools.0', /control/],
  ['half a surrogate pair', ruleWith({ tools: ['docs/\ud83d'] }), 'rules.0.tools.0', /Unicode/],
  [
    'a glob without end',
    ruleWith({ tools: [`docs/${'a'.repeat(1025)}`] }),
    'rules.0.tools.0',
    /longer/,
  ],
  ['servers beside tools', ruleWith({ servers: ['docs'] }), 'rules.0.servers (key)', /two rules/],
  ['an empty except', ruleWith({ except: {} }), 'rules.0.except', /empty/],
  [
    'servers in except',
    ruleWith({ except: { servers: ['docs'] } }),
    'rules.0.except.servers (key)',
    /unknown/,
  ],
  ['a target that is a number', ruleWith({ tools: [7] }), 'rules.0.tools.0', /text/],
  [
    'a set of globs that is not there',
    ruleWith({ tools: [{ set: 'x' }] }),
    'rules.0.tools.0.set',
    /not defined/,
  ],
  [
    'disclose on an allow',
    ruleWith({ disclose: true, reason: 'x' }),
    'rules.0.disclose (key)',
    /show: true/,
  ],
  [
    'disclose without a reason',
    ruleWith({ effect: 'deny', disclose: true }),
    'rules.0.disclose (key)',
    /reason/,
  ],
  ['disclose that is text', ruleWith({ disclose: 'yes' }), 'rules.0.disclose', /true or false/],
  ['a reason that is a book', ruleWith({ reason: 'x'.repeat(501) }), 'rules.0.reason', /500/],
  [
    'a set in a set',
    { version: 1, sets: { a: { set: 'b' } }, rules: [] },
    'sets.a.set (key)',
    /unknown key/,
  ],
  ['an empty set', { version: 1, sets: { a: [] }, rules: [] }, 'sets.a', /empty/],
  [
    'a set of mixed entries',
    { version: 1, sets: { a: ['x', { kind: 'agent' }] }, rules: [] },
    'sets.a.0',
    /mapping/,
  ],
]

for (const [what, data, path, says] of WRONG) {
  test(`a policy with ${what} is refused where it stands`, () => {
    const faults = faultsOf(data)
    assert.equal(faults.length, 1, faults.join('\n'))
    const [fault = ''] = faults
    assert.equal(fault.slice(0, fault.indexOf(': ')), path)
    assert.match(fault, says)
  })
}

test('the conditions of a set are added to those beside it, one subject for each of the set', () => {
  const sets = { staff: [{ groups: ['a'] }, { users: ['b'] }] }
  const rules = [{ ...RULE, subjects: [{ set: 'staff', kind: 'agent' }] }]
  const compiled = compilePolicy([fileOf({ version: 1, sets, rules })], SERVERS)
  assert.ok(compiled.ok)
  const subjects = compiled.rules.servers.get('docs')?.reaches[0]?.rule.subjects
  const keys = subjects?.map((subject) => subject.map(({ key }) => key))
  assert.deepEqual(keys, [
    ['kind', 'groups'],
    ['kind', 'users'],
  ])
})

test('sets are not taken for what they do not hold', () => {
  const sets = { people: { kind: 'human' }, names: ['docs/x'] }
  const wrong = { ...RULE, subjects: [{ set: 'names' }], tools: [{ set: 'people' }] }
  const faults = faultsOf({ version: 1, sets, rules: [wrong] })
  assert.equal(faults.length, 2)
  assert.match(faults[0] ?? '', /lists globs, not subjects/)
  assert.match(faults[1] ?? '', /lists subjects, not globs/)
})

test('a mistake in a set is reported once, where the set is', () => {
  const rules = ['a', 'b'].map((id) => ({ ...RULE, id, tools: [{ set: 'names' }] }))
  const faults = faultsOf({ version: 1, sets: { names: ['docs/x', 'doc/x'] }, rules })
  assert.equal(faults.length, 1)
  assert.match(faults[0] ?? '', /^sets\.names\.1: /)
})

test('all mistakes are reported at once', () => {
  const faults = faultsOf({
    version: 3,
    rules: [{ ...RULE, id: 'B', tools: ['x/y'] }, { id: 'c' }],
  })
  assert.equal(faults.length, 6, faults.join('\n'))
})

test('an id used twice is refused, also across files', () => {
  const file = { ...fileOf({ version: 1, rules: [RULE] }), at: () => ({ line: 7, column: 3 }) }
  const compiled = compilePolicy([file, { ...file, file: 'b.yaml' }], SERVERS)
  assert.ok(!compiled.ok)
  const message = 'the id "a" is taken by a.yaml:7: ids are unique over all files'
  assert.deepEqual(compiled.problems, [{ file: 'b.yaml', line: 7, column: 3, message }])
})

test('a set belongs to its file', () => {
  const one = fileOf({ version: 1, sets: { names: ['docs/x'] }, rules: [] })
  const other = fileOf({ version: 1, rules: [{ ...RULE, tools: [{ set: 'names' }] }] })
  assert.ok(!compilePolicy([one, other], SERVERS).ok)
})

test('on a server with opaque URIs a resource glob is refused, exact URIs and ** are not', () => {
  const opaque = new Set(['notes'])
  const loads = (resource: string): boolean =>
    compilePolicy([fileOf(ruleWith({ resources: [resource] }))], SERVERS, { opaque }).ok
  assert.equal(loads('notes:note:*'), false)
  assert.equal(loads('*:note:*'), false)
  assert.equal(loads('notes:Note:1'), true)
  assert.equal(loads('notes:**'), true)
  assert.equal(loads('docs:note:*'), true)
})

test('whatever the data is, compiling gives an answer and does not throw', () => {
  const odd = [undefined, null, 0, '', true, [], {}, [[]], { rules: {} }, { rules: [null, [], 1] }]
  for (const data of odd) assert.ok(!compilePolicy([fileOf(data)], SERVERS).ok)
  for (const key of Object.keys(RULE)) {
    for (const value of odd.slice(1)) {
      assert.ok(!compilePolicy([fileOf(ruleWith({ [key]: value }))], SERVERS).ok, key)
    }
  }
})
