/** The published schemas, which editors read, against what the program accepts. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SourceDocument } from '../model/problem.ts'
import { readCases } from '../policy/read-cases.ts'
import { validate } from '../settings/validate.ts'
import { readYaml } from '../settings/yaml.ts'
import { compilePolicy } from '../testkit/compile-policy.ts'

const POLICIES = join(import.meta.dirname, '../../policies')

function documentOf(text: string): SourceDocument {
  const read = readYaml('a.yaml', text)
  assert.ok(read.ok, JSON.stringify(read))
  return read
}

function ruleWith(parts: string): string {
  return `version: 1\nrules:\n  - { id: a, effect: deny, subjects: [{ any: true }], tools: [docs/x], ${parts} }\n`
}

function allowWith(parts: string): string {
  return `version: 1\nrules:\n  - { id: a, effect: allow, subjects: [{ any: true }], tools: [docs/x], ${parts} }\n`
}

function requireWith(parts: string): string {
  return `version: 1\nrules:\n  - { id: a, effect: require, subjects: [{ any: true }], tools: [docs/x], require: { ${parts} } }\n`
}

test('the files we ship follow their schemas and point editors at them', () => {
  for (const file of globSync('*.yaml', { cwd: POLICIES })) {
    const name = file.includes('.cases.') ? 'cases' : 'policy'
    const text = readFileSync(join(POLICIES, file), 'utf8')
    const line = `# yaml-language-server: $schema=./${name}.schema.json\n`
    assert.ok(text.startsWith(line), file)
    assert.deepEqual(validate(name, documentOf(text)), [], file)
  }
})

test('every property of the schemas has a description', () => {
  for (const file of globSync('*.schema.json', { cwd: POLICIES })) {
    const schema: unknown = JSON.parse(readFileSync(join(POLICIES, file), 'utf8'))
    assert.deepEqual(undescribed(schema, schema), [], file)
  }
})

const GOOD = [
  'version: 1\nrules: []\n',
  ruleWith('reason: no, disclose: true'),
  ruleWith(
    'except: { tools: [docs/y] }, prompts: ["docs/*"], resources: ["docs:x:**"], methods: [x/y]',
  ),
  'version: 1\nmode: shadow\nrules: []\n',
  ruleWith('mode: shadow'),
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [{ idp: [x], spiffe: ["spiffe://a/*"], chain: [a], claims: { a.b: x, c: [1, true] } }], tools: [docs/x] }]\n',
  allowWith('delegation: { max_depth: 2, on_behalf_of: user }'),
  allowWith('limits: { rate: 60/m, burst: 10 }'),
  ruleWith('when: has(args.x)'),
  ruleWith('during: { tz: Europe/Berlin, days: [mon-fri], hours: 08:00-18:00 }'),
  ruleWith('during: { from: 2026-01-01, until: 2026-01-31T12:00:00+01:00 }'),
  allowWith('during: { days: [sun] }, show: true'),
  ruleWith('annotations: { destructiveHint: true, readOnlyHint: false }'),
  allowWith(
    'grant: { ttl: 2h, task: MIG-142, max_uses: 500 }, show: true, reason: no, disclose: true',
  ),
  allowWith('obligations: [{ audit: arguments }, { redact: [a, b.c] }, { notify: x }]'),
  ruleWith('obligations: [{ notify: x }, { notify: y }]'),
  requireWith('approval: { by: subject }'),
  requireWith('approval: { by: "group:leads", for: 10m }, scopes: [a, b]'),
  'version: 1\ndefault: deny\nsets: { a: { kind: agent }, b: [{ groups: [g] }], c: [docs/x] }\nrules: []\n',
] as const

const BAD = [
  allowWith('delegation: {}'),
  allowWith('limits: {}'),
  allowWith('limits: { rate: 60 }'),
  allowWith('limits: { rate: 60/m, burst: 0 }'),
  allowWith('delegation: { max_depth: -1 }'),
  allowWith('delegation: { on_behalf_of: boss }'),
  allowWith('obligations: []'),
  allowWith('obligations: { notify: x }'),
  allowWith('obligations: [{}]'),
  allowWith('obligations: [{ audit: arguments, notify: x }]'),
  allowWith('obligations: [{ audit: full-args }]'),
  allowWith('obligations: [{ audit: arguments }, { redact: [a..b] }]'),
  allowWith('obligations: [{ audit: arguments }, { redact: [] }]'),
  allowWith('obligations: [{ notify: [x] }]'),
  allowWith('obligations: [{ tell: x }]'),
  allowWith('grant: {}'),
  allowWith('grant: { ttl: 2 h }'),
  allowWith('grant: { ttl: 2h, maxUses: 1 }'),
  allowWith('grant: { max_uses: 0 }'),
  requireWith(''),
  requireWith('approval: {}'),
  requireWith('approval: { by: boss }'),
  requireWith('approval: { by: "group:" }'),
  requireWith('approval: { by: subject, for: soon }'),
  requireWith('scopes: [a b]'),
  '- x\n',
  'version: 2\nrules: []\n',
  'version: 1\n',
  'version: 1\nrules: []\nmode: dry\n',
  'version: 1\nrules: []\ndefault: allow\n',
  'version: 1\nrules: []\nsets: { a: [] }\n',
  'version: 1\nrules: []\nsets: { a: { set: b } }\n',
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [{ any: true }] }]\n',
  'version: 1\nrules: [{ id: A, effect: deny, subjects: [{ any: true }], tools: [docs/x] }]\n',
  'version: 1\nrules: [{ id: a, effect: require, subjects: [{ any: true }], tools: [docs/x] }]\n',
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [], tools: [docs/x] }]\n',
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [{}], tools: [docs/x] }]\n',
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [{ any: false }], tools: [docs/x] }]\n',
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [{ claims: {} }], tools: [docs/x] }]\n',
  'version: 1\nrules: [{ id: a, effect: deny, subjects: [{ scopes: [a b] }], tools: [docs/x] }]\n',
  ruleWith('when: ""'),
  ruleWith('during: {}'),
  ruleWith('during: { days: [monday] }'),
  ruleWith('during: { hours: 8-18 }'),
  ruleWith('during: { from: tomorrow }'),
  ruleWith('annotations: {}'),
  ruleWith('annotations: { destructive: true }'),
  ruleWith('annotations: { readOnlyHint: 1 }'),
  ruleWith('tool: [docs/x]'),
  ruleWith('except: {}'),
  ruleWith('except: { servers: [docs] }'),
  ruleWith('prompts: []'),
  ruleWith('prompts: [7]'),
  ruleWith('prompts: [{ sets: a }]'),
  ruleWith('disclose: "yes"'),
  ruleWith('credential: 7'),
] as const

test('the schema and the compiler accept the same policies', () => {
  for (const text of GOOD) {
    assert.deepEqual(validate('policy', documentOf(text)), [], text)
    const compiled = compilePolicy([documentOf(text)], ['docs'])
    assert.ok(compiled.ok, JSON.stringify(compiled))
  }
})

test('what the schema refuses, the compiler refuses at the same line', () => {
  for (const text of BAD) {
    const bySchema = validate('policy', documentOf(text))
    const compiled = compilePolicy([documentOf(text)], ['docs'])
    assert.ok(bySchema.length > 0, text)
    assert.ok(!compiled.ok, text)
    assert.equal(bySchema[0]?.line, compiled.problems[0]?.line, text)
  }
})

const CASE = 'name: a, caller: { kind: agent }, server: docs, expect: deny'

test('the schema of cases and their reader refuse the same files', () => {
  const good = [
    `cases: [{ ${CASE}, tool: x, visible: false }]`,
    `cases: [{ ${CASE}, method: ping }]`,
    `cases: [{ ${CASE}, tool: x, args: { a: [1] }, now: 2026-11-23T08:00+01:00, ip: 192.0.2.1, granted: [r], approved: [s], annotations: { readOnlyHint: true } }]`,
    `cases: [{ name: a, caller: { claims: { a: 1 }, chain: [b] }, server: docs, expect: require, tool: x, reason: no_grant }]`,
  ]
  const bad = [
    'cases: []',
    'case: []',
    `cases: [{ ${CASE} }]`,
    `cases: [{ ${CASE}, tool: x, prompt: y }]`,
    `cases: [{ ${CASE}, tool: x, tools: y }]`,
    `cases: [{ ${CASE}, tool: x, reason: no_rule, visible: 1 }]`,
    `cases: [{ name: a, caller: { kind: x }, server: docs, expect: deny, tool: x }]`,
    `cases: [{ name: a, caller: { kind: agent }, server: docs, expect: hide, tool: x }]`,
    `cases: [{ ${CASE}, tool: x, reason: because }]`,
    `cases: [{ ${CASE}, tool: x, args: 7 }]`,
    `cases: [{ ${CASE}, tool: x, now: 2026-11-23 }]`,
    `cases: [{ ${CASE}, tool: x, granted: r }]`,
    `cases: [{ ${CASE}, tool: x, annotations: { safe: true } }]`,
  ]
  for (const text of good) {
    assert.deepEqual(validate('cases', documentOf(text)), [], text)
    assert.ok(readCases(documentOf(text)).ok, text)
  }
  for (const text of bad) {
    assert.notDeepEqual(validate('cases', documentOf(text)), [], text)
    assert.ok(!readCases(documentOf(text)).ok, text)
  }
})

/** Paths of properties that have no description, neither of their own nor where they point. */
function undescribed(node: unknown, root: unknown, path = ''): readonly string[] {
  if (typeof node !== 'object' || node === null) return []
  const missing: string[] = []
  for (const [key, value] of Object.entries(node as Record<string, unknown>)) {
    const at = `${path}/${key}`
    if (key === 'properties') {
      for (const [name, property] of Object.entries(value as Record<string, unknown>)) {
        if (!isDescribed(property, root)) missing.push(`${at}/${name}`)
      }
    }
    missing.push(...undescribed(value, root, at))
  }
  return missing
}

function isDescribed(property: unknown, root: unknown): boolean {
  const { description, $ref } = property as { description?: string; $ref?: string }
  if (description !== undefined) return true
  const name = $ref?.slice('#/$defs/'.length) ?? ''
  const { $defs } = root as { $defs: Record<string, { description?: string }> }
  return $defs[name]?.description !== undefined
}
