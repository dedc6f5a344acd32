import assert from 'node:assert/strict'
import { test } from 'node:test'

import { withServedVersions } from './discovered.ts'

/** What becomes of the versions, and of everything else around them. */
function shown(versions: string): string {
  const answer = `{"jsonrpc":"2.0","id":1,"result":{"a":[1],"supportedVersions":${versions},"z":{}}}`
  const text = Buffer.from(withServedVersions(Buffer.from(answer))).toString()
  const [before = '', after = ''] = answer.split(versions)
  assert.ok(text.startsWith(before) && text.endsWith(after), text)
  return text.slice(before.length, -after.length)
}

test('versions that the gateway does not serve are cut, wherever they stand', () => {
  assert.equal(shown('["2031-01-01", "2026-07-28"]'), '["2026-07-28"]')
  assert.equal(shown('["2026-07-28","2031-01-01","2025-11-25"]'), '["2026-07-28","2025-11-25"]')
  assert.equal(shown('["2025-11-25","2031-01-01"]'), '["2025-11-25"]')
  assert.equal(shown('["2031-01-01"]'), '[]')
})

test('an answer whose versions are all served is the same bytes', () => {
  for (const text of [
    '{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28", "2025-11-25"]}}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":"2031-01-01"}}',
    '{"jsonrpc":"2.0","id":1,"result":{"inner":{"supportedVersions":["2031-01-01"]}}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}',
  ]) {
    const bytes = Buffer.from(text)
    assert.equal(withServedVersions(bytes), bytes, text)
  }
})

test('what is no version at all goes, too', () => {
  assert.equal(shown('[7,"2026-07-28",null]'), '["2026-07-28"]')
})
