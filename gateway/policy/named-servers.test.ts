import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namedServers } from './named-servers.ts'

function named(data: unknown): readonly string[] {
  return namedServers([{ file: 'a.yaml', data, at: () => ({ line: 1, column: 1 }) }])
}

test('the servers of a policy are those it names, wherever it names them', () => {
  const rule = { id: 'a', effect: 'allow', subjects: [{ any: true }] }
  const rules = [
    { ...rule, tools: ['tools/x', { set: 'names' }], except: { prompts: ['excepted/x'] } },
    { ...rule, resources: ['resources:file:///x'], methods: ['tools/call'] },
    { ...rule, servers: ['servers', 'tools'] },
  ]
  const sets = { names: ['sets/x'], people: { kind: 'human' } }
  const expected = ['excepted', 'resources', 'servers', 'sets', 'tools']
  assert.deepEqual(named({ version: 1, sets, rules }), expected)
})

test('globs over servers name none, and what is no policy names none either', () => {
  const rules = [{ tools: ['*/x', 'a?/x', 'x', '/x'], servers: ['**'], prompts: [{ set: 'none' }] }]
  assert.deepEqual(named({ rules }), [])
  for (const data of [undefined, [], { rules: 7 }, { rules: [null] }])
    assert.deepEqual(named(data), [])
})
