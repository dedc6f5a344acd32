import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METHODS } from './mcp/methods.ts'
import { KNOWN_METHODS } from './telemetry/definitions.ts'

test('metrics have a label for every method of the specification, and for no other', () => {
  assert.deepEqual([...KNOWN_METHODS].toSorted(), [...METHODS.keys()].toSorted())
})
