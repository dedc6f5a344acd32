import assert from 'node:assert/strict'
import { test } from 'node:test'

import { emptyHead } from './admit.ts'
import type { UpHeaders } from './up-headers.ts'
import { upHeaders } from './up-headers.ts'

const HEAD = {
  ...emptyHead(),
  protocolVersion: '2025-11-25',
  method: 'tools/call',
  name: 'delete_all',
  params: ['mcp-param-region', 'eu'],
  sessionId: 's-1',
  lastEventId: 'e-7',
}

/** Names and values sent, without those that every request has. */
function sent(call: UpHeaders['call'], method: UpHeaders['method'] = 'POST'): readonly string[] {
  const flat = upHeaders({
    method,
    call,
    head: HEAD,
    traceparent: undefined,
    tracestate: undefined,
    credential: [],
  })
  const pairs = []
  for (let at = 0; at < flat.length; at += 2) pairs.push(`${flat[at]}: ${flat[at + 1]}`)
  return pairs.filter((pair) => !/^(?:accept|content-type|mcp-protocol-version):/.test(pair))
}

test('a legacy call sends no mirrored header, which nobody has compared with its body', () => {
  const call = { era: 'legacy', kind: 'request', method: 'tools/call' } as const
  assert.deepEqual(sent(call), ['mcp-session-id: s-1'])
})

test('a modern request for one named thing sends what mirrors it', () => {
  for (const method of ['tools/call', 'prompts/get', 'resources/read', 'tasks/get']) {
    assert.deepEqual(sent({ era: 'modern', kind: 'request', method }), [
      'mcp-method: tools/call',
      'mcp-name: delete_all',
      'mcp-param-region: eu',
    ])
  }
})

test('any other modern message sends its method only', () => {
  for (const method of ['tools/list', 'completion/complete', 'subscriptions/listen', 'x/custom']) {
    const call = { era: 'modern', kind: 'request', method } as const
    assert.deepEqual(sent(call), ['mcp-method: tools/call'])
  }
  const note = { era: 'modern', kind: 'notification', method: 'notifications/cancelled' } as const
  assert.deepEqual(sent(note), ['mcp-method: tools/call'])
})

test('only the opening of a stream sends the last event id', () => {
  const open = { era: 'legacy', kind: 'open_stream', method: '' } as const
  assert.deepEqual(sent(open, 'GET'), ['mcp-session-id: s-1', 'last-event-id: e-7'])
  assert.deepEqual(sent({ ...open, kind: 'end_session' }, 'DELETE'), ['mcp-session-id: s-1'])
  assert.deepEqual(sent({ ...open, kind: 'response' }), ['mcp-session-id: s-1'])
})

test('C-14 baggage goes up as it came, unless it is longer than anybody has to take, or no ASCII', () => {
  const call = { era: 'legacy', kind: 'end_session', method: '' } as const
  const withBaggage = (baggage: string): readonly string[] => {
    const head = { ...emptyHead(), baggage }
    const options = { method: 'DELETE', call, head, credential: [] } as const
    return upHeaders({ ...options, traceparent: undefined, tracestate: undefined }).slice(2)
  }
  assert.deepEqual(withBaggage('team=a'), ['baggage', 'team=a'])
  assert.deepEqual(withBaggage('x'.repeat(8_193)), [])
  assert.deepEqual(withBaggage('caf\u00e9=1'), [])
})
