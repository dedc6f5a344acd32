import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call, Target } from '../model/call.ts'
import { unknownName } from './unknown-name.ts'

function callBy(era: Call['era'], method: string): Call {
  return {
    direction: 'up',
    kind: 'request',
    era,
    version: era === 'modern' ? '2026-07-28' : '2025-11-25',
    method,
    needs: 'targets',
    targets: [],
    id: '1',
    arguments: undefined,
    spans: {},
  }
}

const RESOURCE: Target = { kind: 'resource', name: 'file:///a' }

test('a resource that is not found has the code of its era', () => {
  assert.equal(unknownName(callBy('legacy', 'resources/read'), RESOURCE).extra.rpc, -32002)
  for (const method of ['resources/read', 'completion/complete']) {
    assert.equal(unknownName(callBy('modern', method), RESOURCE).extra.rpc, undefined)
  }
})

test('only a resource has a code of its own in the legacy era', () => {
  const call = callBy('legacy', 'completion/complete')
  assert.equal(unknownName(call, RESOURCE).extra.rpc, undefined)
  for (const kind of ['tool', 'prompt', 'task'] as const) {
    assert.equal(unknownName(call, { kind, name: 'x' }).extra.rpc, undefined)
  }
})
