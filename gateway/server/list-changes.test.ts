import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCatalogue } from '../pipeline/catalogue.ts'
import { NO_FACTS } from '../policy/occasion.ts'
import { testCaller, testDesk } from '../testkit/pipeline.ts'
import { changedLists, type Sight } from './list-changes.ts'

const TOOLS = 'tools'
const PROMPTS = 'prompts'

const ALICE = testCaller({ subject: 'alice' })
const BOB = testCaller({ subject: 'bob' })

function rulesFor(tools: readonly string[], prompts: readonly string[] = ['docs/greet']) {
  const subjects = [{ users: ['alice'] }]
  return testDesk([
    { id: 'tools', effect: 'allow', subjects, tools },
    { id: 'prompts', effect: 'allow', subjects, prompts },
  ]).rules
}

const catalogue = createCatalogue()
catalogue.learn('docs', [
  { kind: 'tool', name: 'read' },
  { kind: 'tool', name: 'write' },
  { kind: 'prompt', name: 'greet' },
])

const sight = (rules: Sight['rules']): Sight => ({ rules, nowMs: 0, facts: NO_FACTS })
const before = rulesFor(['docs/read'])
const owed = (after: typeof before, caller = ALICE, server = 'docs'): readonly string[] =>
  changedLists(
    { caller, server, address: '' },
    { before: sight(before), after: sight(after), catalogue },
  )

test('a caller is owed the lists in which it sees more or less than before', () => {
  assert.deepEqual(owed(rulesFor(['docs/read', 'docs/write'])), [TOOLS])
  assert.deepEqual(owed(rulesFor(['docs/write'])), [TOOLS])
  assert.deepEqual(owed(rulesFor(['docs/read'], ['docs/other'])), [PROMPTS])
  assert.deepEqual(owed(rulesFor(['docs/nothing'], ['docs/other'])), [TOOLS, PROMPTS])
})

test('a change that a caller cannot see is not told', () => {
  assert.deepEqual(owed(rulesFor(['docs/read'])), [])
  assert.deepEqual(owed(rulesFor(['docs/read', 'docs/never_listed'])), [])
  assert.deepEqual(owed(rulesFor(['docs/write']), BOB), [])
  assert.deepEqual(owed(rulesFor(['docs/write']), ALICE, 'mail'), [])
})

test('where no list has passed, the names that rules speak of stand for those a caller has seen elsewhere', () => {
  const none = createCatalogue()
  const owedUnlisted = (after: typeof before, caller = ALICE): readonly string[] =>
    changedLists(
      { caller, server: 'docs', address: '' },
      { before: sight(before), after: sight(after), catalogue: none },
    )
  assert.deepEqual(owedUnlisted(before), [])
  assert.deepEqual(owedUnlisted(rulesFor(['docs/read', 'docs/write'])), [TOOLS])
  assert.deepEqual(owedUnlisted(rulesFor(['docs/*'])), [TOOLS])
  assert.deepEqual(owedUnlisted(rulesFor(['docs/read'], ['docs/other'])), [PROMPTS])
  assert.deepEqual(owedUnlisted(rulesFor(['docs/read', 'docs/write']), BOB), [])
})

test('resources and templates are lists of resources, and a tool brings its page along', () => {
  const own = createCatalogue()
  own.learn('docs', [
    { kind: 'resource', name: 'file:///a' },
    { kind: 'template', name: 'db:///{table}' },
    { kind: 'resource', name: 'ui://docs/form' },
    { kind: 'tool', name: 'form' },
  ])
  own.learnPages('docs', new Map([['form', ['ui://docs/form']]]))
  const all = { effect: 'allow', subjects: [{ any: true }] }
  const rulesWith = (...entries: readonly object[]): Sight['rules'] =>
    testDesk(entries.map((entry, at) => ({ id: `r${at}`, ...all, ...entry }))).rules
  const changed = (after: Sight['rules']): readonly string[] =>
    changedLists(
      { caller: ALICE, server: 'docs', address: '' },
      { before: sight(rulesWith({ prompts: ['docs/x'] })), after: sight(after), catalogue: own },
    )
  assert.deepEqual(changed(rulesWith({ resources: ['docs:file:///a'] })), ['resources'])
  assert.deepEqual(changed(rulesWith({ resources: ['docs:db:///**'] })), ['resources'])
  assert.deepEqual(changed(rulesWith({ tools: ['docs/form'] })), ['tools', 'resources'])
  assert.deepEqual(changed(rulesWith({ resources: ['docs:file:///b'] })), [])
})
