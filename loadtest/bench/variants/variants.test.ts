import assert from 'node:assert/strict'
import { test } from 'node:test'
import { POLICY_RULES } from '../constants.ts'
import { FORBIDDEN_TOOL, TOOL } from '../traffic.ts'
import { policyTexts, USUAL_SIZE } from './gatehouse-policy.ts'
import { parsePeer } from './peer.ts'
import { VARIANTS } from './table.ts'

test('the policy has as many rules as the row says, each with its own id', () => {
  const { rules } = JSON.parse(policyTexts('bench', USUAL_SIZE)[0] ?? '') as {
    rules: { id: string }[]
  }
  assert.equal(rules.length, POLICY_RULES)
  assert.equal(new Set(rules.map(({ id }) => id)).size, POLICY_RULES)
})

test('one rule allows the measured tool and none the forbidden one', () => {
  const { rules } = JSON.parse(policyTexts('bench', USUAL_SIZE)[0] ?? '') as {
    rules: { effect: string; tools: string[] }[]
  }
  const allowing = (tool: string) =>
    rules.filter((rule) => rule.effect === 'allow' && rule.tools.includes(`bench/${tool}`))
  assert.equal(allowing(TOOL).length, 1)
  assert.equal(allowing(FORBIDDEN_TOOL).length, 0)
})

test('variants have different names', () => {
  assert.equal(new Set(VARIANTS.map(({ name }) => name)).size, VARIANTS.length)
})

test('a peer is a name and a plain http URL, with or without a process id', () => {
  assert.deepEqual(parsePeer('envoy=http://127.0.0.1:10000/mcp'), {
    name: 'envoy',
    url: 'http://127.0.0.1:10000/mcp',
    pid: undefined,
  })
  assert.equal(parsePeer('envoy=http://127.0.0.1:10000/mcp,4711').pid, 4711)
  for (const wrong of ['envoy', '=http://h/', 'e=https://h/', 'e=http://h/,x'])
    assert.throws(() => parsePeer(wrong), /--peer/)
})
