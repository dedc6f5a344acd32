import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../mcp/scan.ts'
import type { Call } from '../model/call.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import { createSeals, temporaryKey } from '../seal/seal.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import { bodyUp } from './body-up.ts'
import type { Seat } from './frame.ts'
import { sealIds } from './request-ids.ts'
import { createTasks } from './tasks.ts'

const HOUR_MS = 3_600_000
const seals = createSeals([temporaryKey()])

function permitFor(call: Partial<Call>, subject = 'agent-1'): Permit {
  const facts = { caller: testCaller({ subject }), server: testServer(), rule: 'r', dropped: [] }
  return { ...facts, call: { era: 'legacy', ...call } } as unknown as Permit
}

function seatIn(session: string | undefined): Seat {
  const seat = testSeat()
  const own = { handle: 'h', version: '', declared: [] }
  seat.session = session === undefined ? undefined : { ...own, id: session }
  return seat
}

function messageIn(text: string) {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok)
  return scanned.messages[0]!
}

/** What the client is sent for a message of its server. */
function down(text: string, session: string | undefined = 's-1', nowMs = 0): string {
  const desk = { ...testDesk([]), seals, tasks: createTasks(seals, new Map()), now: () => nowMs }
  const seat = seatIn(session)
  const permit = permitFor({ kind: 'open_stream' })
  return Buffer.from(sealIds(Buffer.from(text), messageIn(text), { permit, seat, desk })).toString()
}

/** What the server is sent for a client's message. */
function up(
  text: string,
  over: { session?: string; nowMs?: number; subject?: string } = {},
): string {
  const { kind, id, spans } = messageIn(text)
  const permit = permitFor({ kind, id: id?.text, spans }, over.subject)
  const desk = { seals, tasks: createTasks(seals, new Map()), now: () => over.nowMs ?? 0 }
  const seat = seatIn(over.session ?? 's-1')
  return Buffer.from(bodyUp(Buffer.from(text), permit, seat, desk)).toString()
}

function idIn(text: string): string {
  return (JSON.parse(text) as { id: string }).id
}

function notAsked(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'invalid_request'
}

const ASKED = '{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"é":1}}'

test('a request goes down under a handle and its response comes up under the id it was asked with', () => {
  for (const id of ['7', '"seven"', '0']) {
    const sent = down(ASKED.replace('7', id))
    const handle = idIn(sent)
    assert.equal(sent, ASKED.replace('7', `"${handle}"`))
    const response = `{"id":"${handle}","jsonrpc":"2.0","result":{"x":"${handle}"}}`
    assert.equal(up(response), response.replace(`"${handle}"`, id))
  }
})

test('an answer to what was never asked is refused', () => {
  const never = ['7', '"7"', '"seven"', `"${seals.seal('session', [], '0 7')}"`]
  for (const id of never) {
    assert.throws(() => up(`{"jsonrpc":"2.0","id":${id},"result":{}}`), notAsked)
  }
  assert.throws(() => up('{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}'), notAsked)
})

test('a request is answered in its own session, by the caller it went to, within two hours', () => {
  const handle = idIn(down(ASKED, 's-1', HOUR_MS / 2))
  const response = `{"jsonrpc":"2.0","id":"${handle}","result":{}}`
  assert.match(up(response, { nowMs: HOUR_MS * 1.9 }), /"id":7/)
  assert.throws(() => up(response, { session: 's-2' }), notAsked)
  assert.throws(() => up(response, { subject: 'mallory' }), notAsked)
  assert.throws(() => up(response, { nowMs: HOUR_MS * 2.1 }), notAsked)
})

test('a server cancels its request by the handle the client knows it by', () => {
  const cancelled = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}'
  const { params } = JSON.parse(down(cancelled)) as { params: { requestId: string } }
  assert.equal(params.requestId, idIn(down(ASKED)))
})

test('responses, other notifications and requests of clients keep their ids', () => {
  const kept = [
    '{"jsonrpc":"2.0","id":7,"result":{}}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7}}',
  ]
  for (const text of kept) assert.equal(down(text), text)
  const asked = '{"jsonrpc":"2.0","id":7,"method":"tools/list"}'
  assert.equal(up(asked), asked)
})

test('over HTTP+SSE a request of the server is answered where its own stream says and nowhere else', () => {
  const desk = { ...testDesk([]), seals, tasks: createTasks(seals, new Map()), now: () => 0 }
  const seat = Object.assign(testSeat(), { endpoint: '/m?s=1' })
  const permit = permitFor({ kind: 'open_stream' })
  const asked = sealIds(Buffer.from(ASKED), messageIn(ASKED), { permit, seat, desk })
  const answer = `{"jsonrpc":"2.0","id":"${idIn(Buffer.from(asked).toString())}","result":{}}`
  const { kind, id, spans } = messageIn(answer)
  const open = (endpoint: string): string => {
    const own = permitFor({ kind, id: id?.text, spans })
    const at = Object.assign(testSeat(), { endpoint })
    return Buffer.from(bodyUp(Buffer.from(answer), own, at, desk)).toString()
  }
  assert.equal(open('/m?s=1'), '{"jsonrpc":"2.0","id":7,"result":{}}')
  assert.throws(() => open('/m?s=2'), notAsked)
})
