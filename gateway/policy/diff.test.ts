import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules, someCaller } from '../testkit/compile-rules.ts'
import { callFor } from './ask.ts'
import { diffPolicies } from './diff.ts'
import { formatDiff, summarizeDiff } from './format-diff.ts'

const BEFORE = compileRules({ id: 'readers', tools: ['docs/read', 'docs/search'] })
const AFTER = compileRules(
  { id: 'searchers', tools: ['docs/search'] },
  { id: 'writers', tools: ['docs/write'] },
)

function asked(name: string, count = 1) {
  const call = callFor({ about: 'tool', name })
  return { caller: someCaller(), call, server: 'docs', label: `call of ${name}`, count }
}

const CALLS = [asked('read', 3), asked('search', 2), asked('write'), asked('delete', 5)]

test('a policy does not differ from itself', () => {
  const { denied, allowed, other, calls, distinct } = diffPolicies(BEFORE, BEFORE, CALLS)
  assert.deepEqual([denied, allowed, other, calls, distinct], [[], [], [], 11, 4])
  assert.equal(summarizeDiff(diffPolicies(BEFORE, BEFORE, CALLS)), undefined)
})

test('what is newly denied, newly allowed and decided alike by another rule is told apart', () => {
  const diff = diffPolicies(BEFORE, AFTER, CALLS)
  const labels = (sort: 'denied' | 'allowed' | 'other') =>
    diff[sort].map(({ asked: { label }, count }) => `${count} ${label}`)
  assert.deepEqual(labels('denied'), ['3 call of read'])
  assert.deepEqual(labels('allowed'), ['1 call of write'])
  assert.deepEqual(labels('other'), ['2 call of search'])
})

test('a difference is shown with the rules that decided before and after', () => {
  const diff = diffPolicies(BEFORE, AFTER, CALLS)
  assert.deepEqual([...formatDiff(diff, { before: BEFORE, after: AFTER })].slice(0, 7), [
    '11 calls (4 different): 5 decided as before',
    '',
    'now denied: 3 calls, 1 different',
    '  3x  agent "somebody" asking docs for tool "read"',
    '        before  allow by readers (test.yaml:1)',
    '        after   deny (no_rule)',
    '        as in   call of read',
  ])
  assert.equal(
    summarizeDiff(diff),
    'of 11 recent calls 3 now denied, as agent "somebody" asking docs for tool "read" (readers); ' +
      '1 now allowed, as agent "somebody" asking docs for tool "write" (writers)',
  )
})

test('nothing of a name acts on the terminal it is shown on', () => {
  const caller = someCaller({ subject: 'a\u001b[2Jb\n' })
  const diff = diffPolicies(BEFORE, AFTER, [{ ...asked('read'), caller }])
  assert.doesNotMatch([...formatDiff(diff, { before: BEFORE, after: AFTER })].join(''), /\p{Cc}/u)
})

test('calls that a rule would ask about their arguments are counted, for they are not known', () => {
  const reading = compileRules(
    { id: 'small', tools: ['docs/read'], when: 'args.size < 10.0' },
    {
      id: 'staff',
      tools: ['docs/search'],
      subjects: [{ groups: ['staff'] }],
      when: 'args.q != ""',
    },
  )
  const { withoutArguments } = diffPolicies(BEFORE, reading, CALLS)
  assert.equal(withoutArguments, 3)
  assert.equal(diffPolicies(BEFORE, AFTER, CALLS).withoutArguments, 0)
  const lines = [
    ...formatDiff(diffPolicies(BEFORE, reading, CALLS), { before: BEFORE, after: reading }),
  ]
  assert.match(lines[1]!, /^3 of them are asked about arguments/)
})
