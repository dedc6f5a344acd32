import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from '../testkit/compile-policy.ts'

const RULE = { id: 'r', effect: 'allow', subjects: [{ any: true }], tools: ['docs/x'] }
const APPROVAL = { by: 'subject' }

function faultsOf(parts: object, rest: object = {}): readonly string[] {
  const data = { version: 1, ...rest, rules: [{ ...RULE, ...parts }] }
  const at = (path: readonly (string | number)[]) => ({
    line: 1,
    column: 1,
    file: path.slice(2).join('.'),
  })
  const compiled = compilePolicy([{ file: '', data, at }], ['docs'])
  return compiled.ok ? [] : compiled.problems.map(({ file, message }) => `${file}: ${message}`)
}

const WRONG: readonly (readonly [what: string, parts: object, says: RegExp])[] = [
  ['a grant that nothing ends', { grant: {} }, /^grant: is empty/],
  ['a grant without a unit', { grant: { ttl: '2' } }, /^grant\.ttl: "2" is no duration/],
  ['a grant of no time', { grant: { ttl: '0s' } }, /^grant\.ttl: "0s" is no duration/],
  ['a grant of more than a year', { grant: { ttl: '366d' } }, /^grant\.ttl: .*365d/],
  ['half a use', { grant: { max_uses: 0.5 } }, /^grant\.max_uses: must be a whole number/],
  ['a misspelt key of a grant', { grant: { maxUses: 5 } }, /^grant\.maxUses: unknown key/],
  [
    'a task with a name without end',
    { grant: { task: 'x'.repeat(129) } },
    /^grant\.task: is longer/,
  ],
  ['a deny with a grant', { effect: 'deny', grant: { ttl: '1h' } }, /^grant: only an allow rule/],
  ['a require without a requirement', { effect: 'require' }, /^: "require" is missing/],
  ['an empty requirement', { effect: 'require', require: {} }, /^require: is empty/],
  ['an allow that requires', { require: { approval: APPROVAL } }, /^require: goes with/],
  [
    'an approval by nobody',
    { effect: 'require', require: { approval: {} } },
    /^require\.approval\.by: must say who/,
  ],
  [
    'an approval by a group without a name',
    { effect: 'require', require: { approval: { by: 'group:' } } },
    /^require\.approval\.by: must say who/,
  ],
  [
    'a requirement that is not known',
    { effect: 'require', require: { approval: APPROVAL, mfa: true } },
    /^require\.mfa: unknown key/,
  ],
  [
    'a sign-in of no kind',
    { effect: 'require', require: { step_up: {} } },
    /^require\.step_up: is empty/,
  ],
  [
    'two classes in one text',
    { effect: 'require', require: { step_up: { acr: ['gold silver'] } } },
    /^require\.step_up\.acr\.0: "gold silver" is not one authentication context class/,
  ],
  [
    'a sign-in that nobody can be back from in time',
    { effect: 'require', require: { step_up: { max_age: '59s' } } },
    /^require\.step_up\.max_age: is shorter than 1m/,
  ],
  [
    'a misspelt key of a sign-in',
    { effect: 'require', require: { step_up: { maxAge: '5m' } } },
    /^require\.step_up\.maxAge: unknown key/,
  ],
  ['limits without a rate', { limits: { burst: 5 } }, /^limits\.rate: must be a rate/],
  ['limits of nothing', { limits: { rate: '0/s' } }, /^limits\.rate: must be a rate/],
  ['limits of a deny', { effect: 'deny', limits: { rate: '1/s' } }, /^limits: only an allow rule/],
  ['half a burst', { limits: { rate: '1/s', burst: 0.5 } }, /^limits\.burst: must be a whole/],
  ['show with nothing to show', { show: true }, /^show: shows what an allow rule with during/],
  ['an unknown mode of a rule', { mode: 'off' }, /^mode: must be enforce or shadow/],
]

for (const [what, parts, says] of WRONG) {
  test(`a rule with ${what} is refused where it stands`, () => {
    const faults = faultsOf(parts)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0] ?? '', says)
  })
}

test('a file in shadow mode puts all its rules there, whatever they say themselves', () => {
  const rules = [RULE, { ...RULE, id: 's', mode: 'enforce' }]
  const at = () => ({ line: 1, column: 1 })
  const file = { file: '', data: { version: 1, mode: 'shadow', rules }, at }
  const compiled = compilePolicy([file], ['docs'])
  assert.ok(compiled.ok)
  const reaches = compiled.rules.servers.get('docs')?.reaches ?? []
  assert.deepEqual(
    reaches.map(({ rule }) => rule.shadow),
    [true, true],
  )
})
