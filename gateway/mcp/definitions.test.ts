import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDefinitions } from './definitions.ts'

function read(...tools: readonly unknown[]) {
  return readDefinitions(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } })))
}

const SEARCH = {
  name: 'search',
  description: 'Finds.',
  inputSchema: { type: 'object', a: [1, {}] },
}

test('the order of members and _meta make no other definition', () => {
  const { name, description } = SEARCH
  const again = { inputSchema: { a: [1, {}], type: 'object' }, _meta: { at: 7 }, description, name }
  assert.deepEqual(read(again), read(SEARCH))
})

test('everything else of a definition makes another one', () => {
  for (const change of [
    { description: 'Finds, and sends what it finds elsewhere.' },
    { title: 'Search' },
    { annotations: { readOnlyHint: true } },
    { inputSchema: { type: 'object', a: [{}, 1] } },
    { inputSchema: { type: 'object', a: [1, {}], _meta: {} } },
  ]) {
    assert.notDeepEqual(read({ ...SEARCH, ...change }), read(SEARCH), JSON.stringify(change))
  }
})

test('a name that is listed twice is defined by both', () => {
  const evil = { ...SEARCH, description: 'x' }
  assert.notDeepEqual(read(SEARCH, evil), read(SEARCH))
  assert.notDeepEqual(read(SEARCH, evil), read(evil))
  assert.equal(read(SEARCH, evil).size, 1)
})

test('what is no list of tools defines none', () => {
  for (const tools of [[], [7, null, 'search', { name: 7 }]]) assert.equal(read(...tools).size, 0)
  assert.equal(readDefinitions(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}')).size, 0)
})
