import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules } from '../testkit/compile-rules.ts'
import { createUnlistedTools } from './unlisted-tools.ts'

test('what was said of rules is not said again, and what is learned later is', () => {
  const listed: Record<string, string[]> = { docs: ['read'] }
  const unlisted = createUnlistedTools({ names: (server) => listed[server] ?? [] })
  const rules = compileRules({ tools: ['docs/raed', 'db/quary'] })
  const tools = (): readonly (string | undefined)[] =>
    unlisted(rules).map(({ message }) => /the tool "(\w+)"/.exec(message)?.[1])
  assert.deepEqual(tools(), ['raed'])
  assert.deepEqual(tools(), [])
  listed['db'] = ['query']
  assert.deepEqual(tools(), ['quary'])
  // New rules are another matter, even where they say the same.
  assert.equal(unlisted(compileRules({ tools: ['docs/raed', 'db/quary'] })).length, 2)
})
