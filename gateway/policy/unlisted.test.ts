import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules, type RuleDraft } from '../testkit/compile-rules.ts'
import { findUnlisted } from './unlisted.ts'

/** What is said of these rules where the servers list this. */
function said(
  listed: Readonly<Record<string, readonly string[]>>,
  ...rules: readonly RuleDraft[]
): readonly string[] {
  const toolsOf = (server: string) => new Set(listed[server])
  return findUnlisted(compileRules(...rules), toolsOf).map(({ message }) => message)
}

const LISTED = { docs: ['read', 'write'], db: ['query'] }

test('a tool that no list of its server has shown is told with its rule, whatever the effect', () => {
  const rule = { tools: ['docs/raed', 'docs/read'] } as const
  assert.deepEqual(said(LISTED, rule, { ...rule, effect: 'deny', tools: ['db/drop'] }), [
    'the rule "rule-1" names the tool "raed", which no list of "docs" has shown',
    'the rule "rule-2" names the tool "drop", which no list of "db" has shown',
  ])
})

test('a misspelt exception is told: it excepts nothing', () => {
  const rule = { servers: ['docs'], except: { tools: ['docs/wirte'] } }
  assert.equal(said(LISTED, rule).length, 1)
  assert.deepEqual(said(LISTED, { servers: ['docs'], except: { tools: ['docs/write'] } }), [])
})

test('wildcards may be meant for what is to come, and other things than tools are not in these lists', () => {
  const rule = { tools: ['docs/delete_*', 'docs/?'], prompts: ['docs/p'], resources: ['docs:x:y'] }
  assert.deepEqual(said(LISTED, rule, { methods: ['x/y'] }), [])
})

test('nothing is said before the lists of all servers that may have the tool are known', () => {
  assert.deepEqual(said({ docs: [] }, { tools: ['docs/raed'] }), [])
  assert.deepEqual(said({ docs: ['read'] }, { tools: ['*/raed'] }), [])
  assert.deepEqual(said(LISTED, { tools: ['*/raed'] }), [
    'the rule "rule-1" names the tool "raed", which no list of "docs" or "db" has shown',
  ])
  assert.deepEqual(said(LISTED, { tools: ['*/query'] }), [])
})
