import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { testCaller, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Head } from './admit.ts'
import { createSessions, openHandles, ownerOf, sealSession } from './handles.ts'
import type { Seated, Session } from './visit.ts'

const seals = createSeals([temporaryKey()])
const sessions = createSessions(seals)
const alice = testCaller()
const server = testServer()

function open(head: Partial<Head>, caller: Caller = alice, at = server): Seated {
  const seat = { ...testSeat({ head, server: at }), httpMethod: 'GET' } as Seated
  openHandles(seat, caller, { seals, sessions })
  return seat
}

function handleOf(id: string, version = '2025-11-25', declared: Session['declared'] = []): string {
  return sealSession({ id, version, declared }, { caller: alice, server, seals })
}

function refused(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.code === code
}

test('a session goes up as the server knows it, and keeps its handle, its version and what was declared', () => {
  for (const declared of [[], ['roots'], ['sampling', 'elicitation_url']] as const) {
    for (const version of ['', '2025-11-25']) {
      const sessionId = handleOf('upstream-1', version, declared)
      const seat = open({ sessionId })
      assert.equal(seat.head.sessionId, 'upstream-1')
      const session = { handle: sessionId, id: 'upstream-1', version, declared }
      assert.deepEqual(seat.session, session)
    }
  }
})

test('a request without a session has none', () => {
  const seat = open({})
  assert.deepEqual([seat.head.sessionId, seat.session], [undefined, undefined])
})

test('a session is unknown to everybody else, at every other server, and as the server spells it', () => {
  const sessionId = handleOf('upstream-1')
  const others: readonly [Caller, typeof server][] = [
    [testCaller({ subject: 'mallory' }), server],
    [testCaller({ client: 'another' }), server],
    [testCaller({ issuer: 'http://other.test' }), server],
    [testCaller({ tenant: 'other' }), server],
    [alice, testServer({ name: 'mail' })],
  ]
  for (const [caller, at] of others) {
    assert.throws(() => open({ sessionId }, caller, at), refused('session_unknown'))
  }
  for (const sessionId of ['upstream-1', '', handleOf('x').slice(1)]) {
    assert.throws(() => open({ sessionId }), refused('session_unknown'))
  }
})

test('a session that was opened before is still unknown to everybody else', () => {
  const sessionId = handleOf('upstream-2')
  for (let at = 0; at < 3; at += 1) assert.equal(open({ sessionId }).session?.id, 'upstream-2')
  const mallory = testCaller({ subject: 'mallory' })
  assert.throws(() => open({ sessionId }, mallory), refused('session_unknown'))
  const mail = testServer({ name: 'mail' })
  assert.throws(() => open({ sessionId }, alice, mail), refused('session_unknown'))
})

test('a refreshed token of the same party keeps the session', () => {
  const refreshed = testCaller({
    tokenId: 'jti-2',
    issuedAtSeconds: 600,
    scopes: new Set(['more']),
  })
  assert.equal(open({ sessionId: handleOf('upstream-1') }, refreshed).session?.id, 'upstream-1')
})

test('an event id is opened for its owner only', () => {
  const lastEventId = seals.seal('event', ownerOf(alice, server), '42')
  assert.equal(open({ lastEventId }).head.lastEventId, '42')
  const mallory = testCaller({ subject: 'mallory' })
  assert.throws(() => open({ lastEventId }, mallory), refused('invalid_request'))
  assert.throws(() => open({ lastEventId: '42' }), refused('invalid_request'))
  assert.throws(() => open({ lastEventId: handleOf('42') }), refused('invalid_request'))
})

test('only a stream can be resumed: with any other request an event id is nothing', () => {
  const seat = { ...testSeat({ head: { lastEventId: '42' } }), httpMethod: 'POST' } as Seated
  openHandles(seat, alice, { seals, sessions })
  assert.equal(seat.head.lastEventId, undefined)
})

test('the modern revisions have no sessions: what is sent is neither opened nor refused', () => {
  const seat = open({ protocolVersion: '2026-07-28', sessionId: 'made-up', lastEventId: '1' })
  assert.equal(seat.session, undefined)
})

test('a session id of a server that is none is refused, not passed on', () => {
  for (const id of ['', 'a b', 'é', 'x'.repeat(1_025), 'a\u007f']) {
    assert.throws(() => handleOf(id), refused('upstream_unavailable'))
  }
  assert.match(handleOf('x'.repeat(1_024)), /^[\x21-\x7e]+$/)
})
