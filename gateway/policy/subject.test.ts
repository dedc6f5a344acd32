import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import { compileRules, someCaller } from '../testkit/compile-rules.ts'
import type { NaiveSubject } from '../testkit/naive-policy.ts'
import { callFor } from './ask.ts'
import { decide } from './decide.ts'
import { occasionAt } from './occasion.ts'

/** Whether a rule for these subjects is about the caller. */
function isAbout(subjects: readonly NaiveSubject[], caller: Partial<Caller>): boolean {
  const rules = compileRules({ subjects, tools: ['docs/x'] })
  const call = callFor({ about: 'tool', name: 'x' })
  return decide(rules, someCaller(caller), call, occasionAt('docs')).effect === 'allow'
}

const ROWS: readonly {
  readonly subject: NaiveSubject
  readonly is: readonly Partial<Caller>[]
  readonly isNot: readonly Partial<Caller>[]
}[] = [
  {
    subject: { any: true },
    is: [{}, { kind: 'human' }, { via: 'anonymous', subject: '' }],
    isNot: [],
  },
  {
    subject: { kind: 'human' },
    is: [{ kind: 'human' }],
    isNot: [{ kind: 'agent' }, { kind: 'service' }],
  },
  {
    subject: { groups: ['a', 'b'] },
    is: [{ groups: new Set(['b']) }, { groups: new Set(['a', 'b', 'c']) }],
    isNot: [{}, { groups: new Set(['A', 'c', 'a*']) }],
  },
  {
    subject: { groups: ['*'] },
    is: [{ groups: new Set(['*']) }],
    isNot: [{ groups: new Set(['a']) }],
  },
  {
    subject: { users: ['alice', '*@x.example'] },
    is: [{ subject: 'alice' }, { subject: 'bob@x.example' }],
    isNot: [{ subject: 'Alice' }, { subject: 'alice@y.example' }, { subject: 'a/b@x.example' }],
  },
  {
    subject: { clients: ['deploy-*'] },
    is: [{ client: 'deploy-eu' }],
    isNot: [{ client: '' }, { client: 'xdeploy-eu' }],
  },
  {
    subject: { scopes: ['a', 'b'] },
    is: [{ scopes: new Set(['a', 'b', 'c']) }],
    isNot: [{}, { scopes: new Set(['a']) }, { scopes: new Set(['a b']) }],
  },
  {
    subject: { issuers: ['https://a.example', 'https://b.example'] },
    is: [{ issuer: 'https://b.example' }],
    isNot: [{ issuer: 'https://b.example/' }, { issuer: 'https://B.example' }],
  },
  { subject: { tenant: 't' }, is: [{ tenant: 't' }], isNot: [{ tenant: 'default' }] },
  {
    subject: { kind: 'agent', groups: ['a'], users: ['alice'] },
    is: [{ groups: new Set(['a']), subject: 'alice' }],
    isNot: [
      { groups: new Set(['a']), subject: 'bob' },
      { subject: 'alice' },
      { kind: 'human', groups: new Set(['a']), subject: 'alice' },
    ],
  },
]

for (const { subject, is, isNot } of ROWS) {
  test(`the subject ${JSON.stringify(subject)} is who it says and nobody else`, () => {
    for (const caller of isNot) assert.equal(isAbout([subject], caller), false)
    for (const caller of is) assert.equal(isAbout([subject], caller), true)
  })
}

test('one of several subjects is enough', () => {
  const subjects = [{ kind: 'human' }, { groups: ['a'] }] as const
  assert.equal(isAbout(subjects, {}), false)
  assert.equal(isAbout(subjects, { groups: new Set(['a']) }), true)
  assert.equal(isAbout(subjects, { kind: 'human' }), true)
})

test('a caller is judged by its own rights, whoever was judged before', () => {
  const rules = compileRules({ subjects: [{ groups: ['a'] }], tools: ['docs/x'] })
  const call = callFor({ about: 'tool', name: 'x' })
  for (let round = 0; round < 3; round += 1) {
    const member = someCaller({ groups: new Set(['a']) })
    const [one, other] = [member, someCaller()].map((caller) =>
      decide(rules, caller, call, occasionAt('docs')),
    )
    assert.deepEqual([one?.effect, other?.effect], ['allow', 'deny'])
  }
})
