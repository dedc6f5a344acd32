import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from '../mcp/edit.ts'
import { scan } from '../mcp/scan.ts'
import type { Target } from '../model/call.ts'
import type { Permit } from '../model/permit.ts'
import { unaskedEdits } from './acknowledged.ts'

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

function resources(...names: readonly string[]): readonly Target[] {
  return names.map((name) => ({ kind: 'resource', name }))
}

/** What becomes of the resources that a message names, for who asked for a, b and c and may not follow c. */
function shown(named: string, method = ACKNOWLEDGED, asked = 'subscriptions/listen'): string {
  const before = `{"jsonrpc":"2.0","method":"${method}","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":`
  const after = '}}}'
  // In the middle of a frame, as in an array.
  const frame = `[{"jsonrpc":"2.0","method":"ping","id":1},${before}${named}${after}]`
  const scanned = scan(Buffer.from(frame))
  assert.ok(scanned.ok)
  const message = scanned.messages[1]!
  const own = Buffer.from(frame).subarray(message.span.start, message.span.end)
  const call = { method: asked, targets: resources('x:/a', 'x:/b', 'x:/c') }
  const permit = { call, dropped: resources('x:/c') } as unknown as Permit
  const text = Buffer.from(splice(own, unaskedEdits(own, message, permit))).toString()
  assert.ok(text.startsWith(before) && text.endsWith(after), text)
  return text.slice(before.length, text.length - after.length)
}

test('an acknowledgement is told as it came where it names nothing that was not asked for', () => {
  for (const named of ['["x:/a","x:/b"]', '[ "x:/b" ]', '[]', '["x:/\\u0061"]', '"x:/c"']) {
    assert.equal(shown(named), named)
  }
})

test('what was not asked for, or may not be followed, is not acknowledged', () => {
  assert.equal(shown('["x:/c","x:/a","x:/secret"]'), '["x:/a"]')
  assert.equal(shown('["x:/\\u0063"]'), '[]')
  assert.equal(shown('["x:/b", "X:/b"]'), '["x:/b"]')
})

test('other messages, and those on other streams, name what they like', () => {
  const named = '["x:/secret"]'
  assert.equal(shown(named, 'notifications/message'), named)
  assert.equal(shown(named, ACKNOWLEDGED, 'tools/call'), named)
})
