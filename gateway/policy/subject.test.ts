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
    subject: { idp: ['corp'] },
    is: [{ subject: 'corp|00u1' }, { subject: 'x', claims: { idp: 'corp' } }],
    isNot: [
      {},
      { subject: 'corp' },
      { subject: 'corporate|1' },
      { subject: 'corp|1', claims: { idp: 'other' } },
      { subject: 'corp|1', claims: { idp: ['corp'] } },
    ],
  },
  {
    subject: { spiffe: ['spiffe://prod.example/agents/*'] },
    is: [{ subject: 'spiffe://prod.example/agents/a' }],
    isNot: [
      { subject: 'spiffe://prod.example/agents/a/b' },
      { subject: 'spiffe://prod.example.evil/agents/a' },
      { subject: 'agents/a' },
    ],
  },
  { subject: { spiffe: ['**'] }, is: [{ subject: 'spiffe://a/b' }], isNot: [{ subject: 'a' }] },
  {
    subject: { claims: { 'org.unit': 'sales', level: [3, 4] } },
    is: [
      { claims: { org: { unit: 'sales' }, level: 3 } },
      { claims: { 'org.unit': 'sales', level: [1, 4] } },
    ],
    isNot: [
      {},
      { claims: { org: { unit: 'sales' } } },
      { claims: { org: { unit: 'Sales' }, level: 3 } },
      { claims: { org: { unit: 'sales' }, level: '3' } },
      { claims: { 'org.unit': 'it', org: { unit: 'sales' }, level: 3 } },
      { claims: { org: ['unit'], level: 3 } },
    ],
  },
  {
    subject: { claims: { 'constructor.name': 'Object', toString: 'x' } },
    is: [],
    isNot: [{ claims: {} }],
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

const ACTED = [
  { issuer: 'i', subject: 'agent-b' },
  { issuer: 'i', subject: 'agent-a' },
]

test('a deny may rest on anybody in the chain, however far back', () => {
  const rules = compileRules(
    { tools: ['docs/x'] },
    { effect: 'deny', tools: ['docs/x'], subjects: [{ chain: ['agent-a'] }] },
  )
  const call = callFor({ about: 'tool', name: 'x' })
  const effect = (caller: Partial<Caller>): string =>
    decide(rules, someCaller(caller), call, occasionAt('docs')).effect
  assert.equal(effect({ actors: ACTED }), 'deny')
  assert.equal(effect({ actors: ACTED.slice(0, 1) }), 'allow')
  assert.equal(effect({ subject: 'agent-a' }), 'allow')
})

test('an allow may limit how long the chain is and whether a person stands behind it', () => {
  const allows = (delegation: object, caller: Partial<Caller>): boolean => {
    const rules = compileRules({ tools: ['docs/x'], delegation })
    const call = callFor({ about: 'tool', name: 'x' })
    return decide(rules, someCaller(caller), call, occasionAt('docs')).effect === 'allow'
  }
  assert.equal(allows({ max_depth: 2 }, { actors: ACTED }), true)
  assert.equal(allows({ max_depth: 1 }, { actors: ACTED }), false)
  assert.equal(allows({ max_depth: 0 }, {}), true)
  assert.equal(allows({ on_behalf_of: 'user' }, { interactive: true }), true)
  assert.equal(allows({ on_behalf_of: 'user' }, {}), false)
  assert.equal(allows({ on_behalf_of: 'none' }, {}), true)
  assert.equal(allows({ on_behalf_of: 'none' }, { interactive: true }), false)
  assert.equal(allows({ on_behalf_of: 'any' }, { interactive: true }), true)
})
