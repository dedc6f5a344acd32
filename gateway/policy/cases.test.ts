import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Path, SourceDocument } from '../model/problem.ts'
import { compileRules } from '../testkit/compile-rules.ts'
import { runCases } from './cases.ts'
import { readCases } from './read-cases.ts'

const RULES = compileRules(
  { id: 'agents', tools: ['docs/read'], subjects: [{ kind: 'agent' }] },
  { id: 'scoped', tools: ['docs/write'], subjects: [{ scopes: ['w'] }] },
  { id: 'never', effect: 'deny', tools: ['docs/delete'] },
  { id: 'locked', tools: ['docs/query'], credential: 'reader' },
)

const CASE = {
  name: 'it reads',
  caller: { kind: 'agent' },
  server: 'docs',
  tool: 'read',
  expect: 'allow',
}

function fileOf(data: unknown): SourceDocument {
  return { file: 'a.cases.yaml', data, at: nameOf }
}

function nameOf(path: Path): { line: number; column: number; file: string } {
  return { line: path.length, column: 1, file: path.join('.') }
}

/** What comes out differently in one case. */
function failures(parts: object): readonly string[] {
  const read = readCases(fileOf({ cases: [{ ...CASE, ...parts }] }))
  assert.ok(read.ok, JSON.stringify(read))
  return runCases(RULES, read.file).flatMap((one) => one.failures)
}

test('a case that holds has no failures', () => {
  assert.deepEqual(failures({}), [])
  assert.deepEqual(failures({ rule: 'agents', visible: true }), [])
  assert.deepEqual(
    failures({ tool: 'delete', expect: 'deny', rule: 'never', reason: 'deny_rule' }),
    [],
  )
  assert.deepEqual(failures({ tool: 'query', credential: 'reader' }), [])
  const lacking = { caller: { interactive: true }, tool: 'write', expect: 'deny' }
  assert.deepEqual(failures({ ...lacking, reason: 'missing_scope', visible: true }), [])
})

const FAILING: readonly (readonly [what: string, parts: object, says: RegExp])[] = [
  ['expects a deny', { expect: 'deny' }, /^expected deny, got allow by agents$/],
  [
    'expects another credential',
    { tool: 'query', credential: 'writer' },
    /^expected the credential writer, got reader$/,
  ],
  [
    'expects a credential where none is chosen',
    { credential: 'reader' },
    /^expected the credential reader, got none$/,
  ],
  ['expects an allow', { tool: 'delete' }, /^expected allow, got deny \(deny_rule by never\)$/],
  ['expects another rule', { rule: 'never' }, /^expected the rule never, got agents$/],
  ['expects a rule where none is', { tool: 'x', expect: 'deny', rule: 'never' }, /got none$/],
  ['expects another reason', { tool: 'x', expect: 'deny', reason: 'deny_rule' }, /got no_rule$/],
  ['expects a reason of an allow', { reason: 'no_rule' }, /got none$/],
  ['expects a hidden tool', { visible: false }, /they show it$/],
  ['expects a shown tool', { tool: 'x', expect: 'deny', visible: true }, /they hide it$/],
  [
    'asks an unknown server',
    { server: 'elsewhere', expect: 'deny' },
    /^there is no server "elsewhere"$/,
  ],
  ['asks as somebody else', { caller: { kind: 'human' } }, /got deny \(no_rule\)$/],
]

for (const [what, parts, says] of FAILING) {
  test(`a case that ${what} and does not get it fails`, () => {
    const all = failures(parts)
    assert.equal(all.length, 1, all.join('\n'))
    assert.match(all[0] ?? '', says)
  })
}

test('X-01: what is not a canonical URI is denied before any rule is asked', () => {
  const rules = compileRules({ resources: ['docs:file:///pub/**'] })
  const names = [
    'file:///pub/../secret',
    'file:///pub/%2e%2e/secret',
    'file:///pub/..%2Fsecret',
    'file:///pub/..\\secret',
    'file:///pub//secret',
    'FILE:///pub/a',
    'file://localhost/pub/a',
    'file:///pub/a ',
  ]
  const cases = names.map((resource) => ({
    ...CASE,
    name: resource,
    tool: undefined,
    resource,
    expect: 'deny',
  }))
  const read = readCases(fileOf({ cases }))
  assert.ok(read.ok, JSON.stringify(read))
  for (const { name, failures } of runCases(rules, read.file)) assert.deepEqual(failures, [], name)
})

test('callers can have names', () => {
  const data = { callers: { someone: { kind: 'agent' } }, cases: [{ ...CASE, caller: 'someone' }] }
  const read = readCases(fileOf(data))
  assert.ok(read.ok)
  assert.deepEqual(runCases(RULES, read.file)[0]?.failures, [])
})

test('a case file names policies as one text or as a list, and servers', () => {
  assert.deepEqual(policiesOf(undefined), [])
  assert.deepEqual(policiesOf('a.yaml'), ['a.yaml'])
  assert.deepEqual(policiesOf(['a.yaml', 'b.yaml']), ['a.yaml', 'b.yaml'])
})

const WRONG: readonly (readonly [what: string, data: unknown, path: string])[] = [
  ['a list at the top', [CASE], ''],
  ['no cases', { policy: 'x' }, ''],
  ['an empty list of cases', { cases: [] }, 'cases'],
  ['an unknown key', { cases: [CASE], case: 1 }, 'case'],
  ['an unknown key in a case', { cases: [{ ...CASE, tools: 'x' }] }, 'cases.0.tools'],
  ['nothing asked', { cases: [{ ...CASE, tool: undefined }] }, 'cases.0'],
  ['two things asked', { cases: [{ ...CASE, prompt: 'x' }] }, 'cases.0'],
  ['nothing expected', { cases: [{ ...CASE, expect: undefined }] }, 'cases.0'],
  ['something else expected', { cases: [{ ...CASE, expect: 'hide' }] }, 'cases.0.expect'],
  ['a reason that is none', { cases: [{ ...CASE, reason: 'because' }] }, 'cases.0.reason'],
  ['a caller that is no caller', { cases: [{ ...CASE, caller: 7 }] }, 'cases.0.caller'],
  ['a caller nobody described', { cases: [{ ...CASE, caller: 'x' }] }, 'cases.0.caller'],
  ['a caller of no kind', { cases: [{ ...CASE, caller: { kind: 'x' } }] }, 'cases.0.caller.kind'],
  [
    'an unknown key of a caller',
    { cases: [{ ...CASE, caller: { name: 'x' } }] },
    'cases.0.caller.name',
  ],
  [
    'visibility of a method',
    { cases: [{ ...CASE, tool: undefined, method: 'ping', visible: true }] },
    'cases.0.visible',
  ],
  ['visibility that is text', { cases: [{ ...CASE, visible: 'yes' }] }, 'cases.0.visible'],
  ['a name used twice', { cases: [CASE, CASE] }, 'cases.1.name'],
]

for (const [what, data, path] of WRONG) {
  test(`a case file with ${what} is refused where it stands`, () => {
    const read = readCases(fileOf(data))
    assert.ok(!read.ok)
    assert.deepEqual(
      read.problems.map(({ file }) => file),
      [path],
    )
  })
}

function policiesOf(policy: unknown): readonly string[] {
  const read = readCases(fileOf({ policy, servers: ['x'], cases: [CASE] }))
  assert.ok(read.ok)
  assert.deepEqual(read.file.servers, ['x'])
  return read.file.policies
}
