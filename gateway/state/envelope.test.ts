import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_KEY_BYTES, MAX_MESSAGE_BYTES } from './arguments.ts'
import { openEnvelope, sealEnvelope } from './envelope.ts'

test('an envelope comes back as it was sealed, whatever its topic and message hold', () => {
  for (const topic of ['news', 'a b 3 c', '🗝️/é', 't'.repeat(MAX_KEY_BYTES)]) {
    for (const message of ['', ' ', '12 x', '🗝️\n']) {
      const envelope = { from: 'process-1', topic, message }
      assert.deepEqual(openEnvelope(sealEnvelope(envelope)), envelope)
    }
  }
})

test('the largest envelope fits into a notification of PostgreSQL', () => {
  const [topic, message] = ['t'.repeat(MAX_KEY_BYTES), 'm'.repeat(MAX_MESSAGE_BYTES)]
  const text = sealEnvelope({ from: crypto.randomUUID(), topic, message })
  assert.ok(Buffer.byteLength(text) < 8000)
})

test('what is no envelope is not opened', () => {
  for (const text of ['', 'hello', 'from', 'from 5 abc', 'from x abc', ' 1 abc']) {
    assert.equal(openEnvelope(text), undefined, text)
  }
})
