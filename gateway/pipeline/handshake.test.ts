import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readOffer } from './handshake.ts'

/** A good handshake with these headers in place of its own; undefined leaves one out. */
function headers(change: Readonly<Record<string, string | undefined>> = {}): string[] {
  const all = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'mcp',
    ...change,
  }
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
}

test('a handshake that offers mcp is read, with or without a ticket among its subprotocols', () => {
  assert.deepEqual(readOffer(headers()), { ticket: undefined })
  assert.deepEqual(readOffer(headers({ 'Sec-WebSocket-Protocol': 'mcp, mcp.ticket.abc' })), {
    ticket: 'abc',
  })
  const lines = [...headers(), 'sec-websocket-protocol', 'other,mcp.ticket.abc']
  assert.deepEqual(readOffer(lines), { ticket: 'abc' })
})

const WRONG: readonly (readonly [what: string, raw: readonly string[]])[] = [
  ['without a subprotocol', headers({ 'Sec-WebSocket-Protocol': undefined })],
  ['with another subprotocol', headers({ 'Sec-WebSocket-Protocol': 'mcp2, MCP' })],
  ['with two tickets', headers({ 'Sec-WebSocket-Protocol': 'mcp,mcp.ticket.a,mcp.ticket.b' })],
  ['with many subprotocols', headers({ 'Sec-WebSocket-Protocol': `mcp${',x'.repeat(8)}` })],
  ['of another version', headers({ 'Sec-WebSocket-Version': '8' })],
  ['without a version', headers({ 'Sec-WebSocket-Version': undefined })],
  ['without a key', headers({ 'Sec-WebSocket-Key': undefined })],
  ['with two keys', [...headers(), 'SEC-WEBSOCKET-KEY', 'dGhlIHNhbXBsZSBub25jZQ==']],
  ['with a length', headers({ 'Content-Length': '5' })],
  ['with a chunked body', headers({ 'Transfer-Encoding': 'chunked' })],
]

for (const [what, raw] of WRONG) {
  test(`a handshake ${what} is refused`, () => {
    assert.throws(() => readOffer(raw), { code: 'bad_header' })
  })
}
