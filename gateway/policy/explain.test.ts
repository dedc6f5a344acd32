import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules, type RuleDraft, someCaller } from '../testkit/compile-rules.ts'
import { callFor, type Question } from './ask.ts'
import { explain, type Explanation } from './explain.ts'
import { formatExplanation } from './format-explanation.ts'
import { occasionAt } from './occasion.ts'

const RULES = [
  { id: 'agents-read', tools: ['docs/read_*'], subjects: [{ kind: 'agent', scopes: ['s'] }] },
  { id: 'people', servers: ['docs'], subjects: [{ kind: 'human', groups: ['staff'] }] },
  {
    id: 'no-deleting',
    effect: 'deny',
    tools: ['docs/delete_*'],
    except: { tools: ['docs/delete_draft'] },
    reason: 'Keep it.',
  },
  { id: 'prompts', prompts: ['docs/p'] },
] as const satisfies readonly RuleDraft[]

function explained(question: Question, caller = someCaller()): Explanation {
  return explain(compileRules(...RULES), caller, callFor(question), occasionAt('docs'))
}

/** How the deny rule stands to the tool. */
function reachOf(name: string): string | undefined {
  return explained(tool(name)).traces.find(({ rule }) => rule.id === 'no-deleting')?.reach
}

function tool(name: string): Question {
  return { about: 'tool', name }
}

test('an explanation names the rule that decided, and the nearest that would have allowed', () => {
  const { decision, deciding, nearest, visible } = explained(tool('delete_all'))
  assert.equal(decision.effect, 'deny')
  assert.equal(deciding?.id, 'no-deleting')
  assert.equal(nearest?.rule.id, 'people')
  assert.equal(visible, false)
})

test('an explanation leaves out rules that are not about the caller nor the call', () => {
  const ids = explained(tool('read_a')).traces.map(({ rule }) => rule.id)
  assert.deepEqual(ids, ['agents-read', 'no-deleting', 'people', 'prompts'])
  const other = explained({ about: 'prompt', name: 'q' }, someCaller({ kind: 'service' }))
  assert.deepEqual(
    other.traces.map(({ rule }) => rule.id),
    ['no-deleting', 'people', 'prompts'],
  )
})

test('an explanation says which conditions of which subject fail', () => {
  const trace = explained(tool('read_a')).traces.find(({ rule }) => rule.id === 'people')
  assert.equal(trace?.reach, 'covers')
  assert.equal(trace?.fit, 'fails')
  assert.deepEqual(
    trace?.failing[0]?.map(({ key }) => key),
    ['kind', 'groups'],
  )
})

test('an explanation tells an exception from what was never named', () => {
  assert.equal(reachOf('delete_draft'), 'excepted')
  assert.equal(reachOf('delete_all'), 'covers')
  assert.equal(reachOf('read_a'), 'misses')
})

test('an allow that wins has no nearest rule', () => {
  const caller = someCaller({ scopes: new Set(['s']) })
  const { decision, deciding, nearest } = explained(tool('read_a'), caller)
  assert.equal(decision.effect, 'allow')
  assert.equal(deciding?.id, 'agents-read')
  assert.equal(nearest, undefined)
})

test('a rule that lacks one condition is nearer than one that lacks two', () => {
  assert.equal(explained(tool('read_a')).nearest?.rule.id, 'agents-read')
})

test('a resource URI that is not canonical is explained as such', () => {
  const { decision } = explained({ about: 'resource', name: 'file:///a/../b' })
  assert.ok(decision.effect === 'deny')
  assert.equal(decision.reason, 'resource_uri')
})

const TEXTS: readonly (readonly [
  question: Question,
  scopes: readonly string[],
  says: readonly RegExp[],
])[] = [
  [
    tool('delete_all'),
    [],
    [
      /^DENY {2}agent "somebody" asking "docs" for tool "delete_all"/,
      /no-deleting \(test\.yaml:1\)/,
      /Keep it\./,
      /unknown name/,
      /lists {4}hide it/,
    ],
  ],
  [
    tool('read_a'),
    [],
    [/asked for the scopes s/, /lists {4}show it/, /would allow it: agents-read/, /lacks s/],
  ],
  [tool('read_a'), ['s'], [/^ALLOW/, /is served/, /agents-read .*: matches/]],
  [
    { about: 'method', name: 'x/y' },
    [],
    [/asking "docs" for x\/y/, /is refused/, /kind is agent, not human/],
  ],
  [{ about: 'method', name: 'ping' }, [], [/^ALLOW/, /builtin:connection/]],
  [{ about: 'resource', name: 'file:///a b' }, [], [/not in canonical form/]],
  [{ about: 'prompt', name: 'q' }, [], [/what no rule allows is denied/, /does not name it/]],
]

for (const [question, scopes, says] of TEXTS) {
  test(`the explanation of ${question.name} with ${scopes.length} scopes reads as it should`, () => {
    const caller = someCaller({ interactive: true, scopes: new Set(scopes) })
    const text = formatExplanation(explained(question, caller)).join('\n')
    for (const pattern of says) assert.match(text, pattern)
  })
}

test('a server without rules is explained, too', () => {
  const explanation = explain(compileRules(), someCaller(), callFor(tool('x')), occasionAt('docs'))
  assert.match(formatExplanation(explanation).join('\n'), /No rule comes near this call\.$/)
})
