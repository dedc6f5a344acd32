import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from '../testkit/compile-policy.ts'

function warningsOf(parts: object): readonly string[] {
  const rule = { id: 'r', effect: 'allow', subjects: [{ any: true }], ...parts }
  const at = (path: readonly (string | number)[]) => ({
    line: 1,
    column: 1,
    file: path.slice(2).join('.'),
  })
  const document = { file: '', data: { version: 1, rules: [rule] }, at }
  const compiled = compilePolicy([document], ['docs'])
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.warnings.map(({ file, message }) => `${file}: ${message}`)
}

const TOOLS = { tools: ['docs/*'] }
const RESOURCES = { resources: ['docs:file:///**'] }
const DENY = { ...TOOLS, effect: 'deny' }

const WARNED: readonly (readonly [what: string, parts: object, says: RegExp])[] = [
  [
    'a deny that takes an argument for granted',
    { ...DENY, when: 'args.path == "/"' },
    /has\(args\.path\)/,
  ],
  [
    'a requirement that does',
    { ...DENY, effect: 'require', require: { scopes: ['s'] }, when: 'args["n"] > 1' },
    /has\(args\.n\)/,
  ],
  ['an expression that reads nothing', { ...TOOLS, when: '1 == 2' }, /the same of every call/],
  ['arguments of resources', { ...RESOURCES, when: 'has(args.x)' }, /only tools and prompts have/],
  ['the URI of tools', { ...TOOLS, when: 'under(uri, "file:///a")' }, /only resources have/],
  ['the tool of resources', { ...RESOURCES, when: 'has(tool.name)' }, /names none/],
]

for (const [what, parts, says] of WARNED) {
  test(`${what} is warned of, at the expression`, () => {
    const warnings = warningsOf(parts)
    assert.equal(warnings.length, 1, warnings.join('\n'))
    assert.match(warnings[0] ?? '', /^when: /)
    assert.match(warnings[0] ?? '', says)
  })
}

test('what may be meant is not warned of', () => {
  for (const parts of [
    { ...DENY, when: 'has(args.path) && args.path == "/"' },
    { ...DENY, when: '"path" in args && args.path == "/"' },
    { ...TOOLS, when: 'args.path == "/"' },
    { ...DENY, when: 'caller.kind == "agent"' },
    { servers: ['docs'], when: 'has(args.x) || uri == "" || has(tool.name)' },
    { ...RESOURCES, ...TOOLS, when: 'has(args.x)' },
  ]) {
    assert.deepEqual(warningsOf(parts), [], JSON.stringify(parts))
  }
})
