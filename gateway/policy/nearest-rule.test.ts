/** Every kind of refusal, and the way out of it that an explanation shows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callFor, frameFor, type Question } from './ask.ts'
import { explain } from './explain.ts'
import { formatExplanation } from './format-explanation.ts'
import { type Facts, NO_FACTS, occasionAt } from './occasion.ts'

/** Monday, 23 November 2026. */
const NOON_MS = Date.UTC(2026, 10, 23, 12)

type Row = {
  readonly refusal: string
  readonly rules: readonly (RuleDraft & Readonly<Record<string, unknown>>)[]
  readonly caller?: Partial<Caller>
  readonly asked?: Question
  /** What the explanation says of it, and of the rule that comes nearest. */
  readonly says: readonly RegExp[]
}

const READ: Question = { about: 'tool', name: 'read' }

const ROWS: readonly Row[] = [
  {
    refusal: 'another kind and no group',
    rules: [
      {
        id: 'staff',
        tools: ['docs/read'],
        subjects: [{ kind: 'human', groups: ['staff'] }],
      },
    ],
    says: [
      /Nearest rule that would allow it: staff \(test\.yaml:1\)/,
      /but is not about this caller \(kind is agent, not human, in none of the groups staff\)/,
    ],
  },
  {
    refusal: 'a scope that could be had',
    rules: [{ id: 'scoped', tools: ['docs/read'], subjects: [{ scopes: ['docs:read'] }] }],
    caller: { interactive: true },
    says: [/asked for the scopes docs:read/, /would allow it: scoped/, /lacks docs:read\)/],
  },
  {
    refusal: 'a scope that cannot be had',
    rules: [{ id: 'scoped', tools: ['docs/read'], subjects: [{ scopes: ['docs:read'] }] }],
    says: [/would allow it: scoped/, /lacks docs:read and cannot be asked for more/],
  },
  {
    refusal: 'a target no rule names',
    rules: [
      { id: 'others', tools: ['docs/write_*'] },
      { id: 'reads', tools: ['docs/read_document', 'docs/read_page'] },
    ],
    says: [/No allow rule speaks of it\.\nNearest rule: reads .* names read_document, read_page/],
  },
  {
    refusal: 'a target of somebody else, where no rule names it',
    rules: [
      { id: 'staff', tools: ['docs/read_all'], subjects: [{ groups: ['staff'] }] },
      { id: 'mine', tools: ['docs/search'] },
    ],
    says: [/Nearest rule: mine .*, which names search/],
  },
  {
    refusal: 'an exception',
    rules: [{ id: 'most', tools: ['docs/*'], except: { tools: ['docs/read'] } }],
    says: [/would allow it: most/, /but names it, but excepts it/],
  },
  {
    refusal: 'a deny rule',
    rules: [
      { id: 'all', tools: ['docs/*'] },
      { id: 'never', effect: 'deny', tools: ['docs/read'] },
    ],
    says: [
      /rule {5}never \(test\.yaml:1\)/,
      /Nearest rule that allows it: all \(test\.yaml:1\), were it not for never \(test\.yaml:1\)/,
    ],
  },
  {
    refusal: 'the wrong time',
    rules: [{ id: 'nights', tools: ['docs/read'], during: { hours: '22:00-06:00' } }],
    says: [
      /would allow it: nights/,
      /but it is outside its time until 2026-11-23T22:00:00\.000Z \(during\)/,
    ],
  },
  {
    refusal: 'a time that is over for good',
    rules: [{ id: 'past', tools: ['docs/read'], during: { until: '2026-01-01' } }],
    says: [/but it is outside its time for good \(during\)/],
  },
  {
    refusal: 'a condition on arguments',
    rules: [{ id: 'small', tools: ['docs/read'], when: 'args.size < 10.0' }],
    asked: { ...READ, args: { size: 11 } },
    says: [/would allow it: small/, /but its condition does not hold for this call \(when\)/],
  },
  {
    refusal: 'a condition on arguments that were not given',
    rules: [{ id: 'small', tools: ['docs/read'], when: 'args.size < 10.0' }],
    says: [/but its condition does not hold without arguments \(when\)/],
  },
  {
    refusal: 'no grant',
    rules: [{ id: 'granted', tools: ['docs/read'], grant: { ttl: '2h' } }],
    says: [/would allow it: granted/, /but the caller has no live grant for it/],
  },
  {
    refusal: 'annotations the tool does not have',
    rules: [{ id: 'harmless', tools: ['docs/*'], annotations: { readOnlyHint: true } }],
    says: [/would allow it: harmless/, /but the tool is not known to have its annotations/],
  },
  {
    refusal: 'a rule that is only watched',
    rules: [{ id: 'tried', tools: ['docs/read'], mode: 'shadow' }],
    says: [/tried .*: matches, but is only watched \(mode: shadow\)/],
  },
  {
    refusal: 'several things at once',
    rules: [
      {
        id: 'far',
        tools: ['docs/read'],
        subjects: [{ groups: ['staff'] }],
        during: { hours: '22:00-06:00' },
        grant: { ttl: '2h' },
      },
      { id: 'near', tools: ['docs/read'], subjects: [{ groups: ['staff'] }] },
    ],
    says: [/would allow it: near/, /far .*staff\), and it is outside its time .*, and the caller/],
  },
  {
    refusal: 'a method no rule names',
    rules: [{ id: 'all', tools: ['docs/*'] }],
    asked: { about: 'method', name: 'sampling/createMessage' },
    says: [/No allow rule speaks of it\./],
  },
  {
    refusal: 'a URI that is not canonical',
    rules: [{ id: 'files', resources: ['docs:file:///pub/**'] }],
    asked: { about: 'resource', name: 'file:///pub/../etc/passwd' },
    says: [/the URI is not in canonical form \(.+\), so no rule is asked/],
  },
]

for (const { refusal, rules, caller, asked = READ, says } of ROWS) {
  test(`refused for ${refusal}, a call is explained with the rule that would have allowed`, () => {
    const frame = frameFor(asked)
    const occasion = occasionAt('docs', { nowMs: NOON_MS, frame })
    const explanation = explain(
      compileRules(...rules),
      someCaller(caller),
      callFor(asked),
      occasion,
    )
    assert.equal(explanation.decision.effect, 'deny')
    const text = formatExplanation(explanation).join('\n')
    for (const pattern of says) assert.match(text, pattern)
  })
}

test('what stood in the way is no longer told once it is out of the way', () => {
  const rules = compileRules({
    id: 'granted',
    tools: ['docs/read'],
    grant: { ttl: '2h' },
  })
  const facts: Facts = { ...NO_FACTS, grant: () => 'live' }
  const occasion = occasionAt('docs', { nowMs: NOON_MS, facts })
  const explanation = explain(rules, someCaller(), callFor(READ), occasion)
  assert.equal(explanation.decision.effect, 'allow')
  assert.match(formatExplanation(explanation).join('\n'), /granted \(test\.yaml:1\): matches$/m)
})
