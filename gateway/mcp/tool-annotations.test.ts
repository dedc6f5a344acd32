import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_TRAITS } from '../model/tool-traits.ts'
import { readToolAnnotations } from './tool-annotations.ts'

function read(...tools: readonly object[]) {
  const response = { jsonrpc: '2.0', id: 1, result: { tools } }
  return readToolAnnotations(Buffer.from(JSON.stringify(response)))
}

test('a tool has the traits it says it has, and the specified ones where it says nothing', () => {
  const found = read(
    { name: 'a', annotations: { readOnlyHint: true, destructiveHint: false } },
    { name: 'b', annotations: {} },
    { name: 'c' },
  )
  assert.deepEqual(found.get('a'), {
    ...DEFAULT_TRAITS,
    readOnlyHint: true,
    destructiveHint: false,
  })
  assert.deepEqual(found.get('b'), DEFAULT_TRAITS)
  assert.equal(found.has('c'), false)
})

test('a hint that is no boolean is not taken for one', () => {
  const annotations = { readOnlyHint: 'true', destructiveHint: 0 }
  assert.deepEqual(read({ name: 'a', annotations }).get('a'), DEFAULT_TRAITS)
  assert.deepEqual(read({ name: 'a', annotations: 'safe' }).get('a'), DEFAULT_TRAITS)
})

test('a response that lists no tools says nothing', () => {
  assert.equal(readToolAnnotations(Buffer.from('{"result":{"annotations":{}}}')).size, 0)
})
