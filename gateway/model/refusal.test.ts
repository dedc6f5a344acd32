import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REFUSALS } from './refusal.ts'

/** JSON-RPC 2.0 §5.1 */
const OF_JSON_RPC = [-32700, -32600, -32601, -32602, -32603]

test('codes of our own are positive, and those of MCP keep their meaning', () => {
  const { header_mismatch: mismatch, unsupported_version: version, ...others } = REFUSALS
  assert.deepEqual([mismatch.rpc, version.rpc], [-32020, -32022])
  for (const { rpc, text } of Object.values(others)) {
    assert.ok(rpc > 0 || OF_JSON_RPC.includes(rpc), text)
  }
})
