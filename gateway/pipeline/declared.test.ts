import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../mcp/scan.ts'
import { Refusal } from '../model/refusal.ts'
import { testCaller, testDesk, testSeat } from '../testkit/pipeline.ts'
import type { Frame, Seat } from './frame.ts'
import { judge } from './judge.ts'
import type { Session } from './visit.ts'

const METHODS = ['sampling/createMessage', 'elicitation/create', 'roots/list']
const RULES = [{ id: 'ask', effect: 'allow', subjects: [{ any: true }], methods: METHODS }]
const VERSION = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"'

function seatIn(declared: Session['declared'] | 'unknown'): Seat {
  const seat = testSeat()
  if (declared === 'unknown') return seat
  return Object.assign(seat, { session: { handle: 'h', id: 's', version: '', declared } })
}

function frame(text: string, direction: Frame['direction'], seat: Seat): Frame {
  const scanned = scan(Buffer.from(text))
  assert.ok(scanned.ok)
  return { seat, direction, content: { kind: 'message', message: scanned.messages[0]! } }
}

function ask(method: string, seat: Seat, params = '{}'): Frame {
  return frame(`{"jsonrpc":"2.0","id":7,"method":"${method}","params":${params}}`, 'down', seat)
}

/** Why a frame is refused, as the records have it; undefined for one that passes. */
async function reasonFor(judged: Frame): Promise<string | undefined> {
  const { calls } = judged.seat.journey
  try {
    await judge(judged, testCaller(), testDesk(RULES))
    return undefined
  } catch (error) {
    assert.ok(error instanceof Refusal && error.code === 'policy_denied')
    assert.equal(calls.at(-1)?.effect, 'deny')
    return calls.at(-1)?.reason
  }
}

test('X-12 what the client of a session did not declare is refused, whatever policy allows', async () => {
  const declared = ['sampling', 'elicitation_form'] as const
  const rows = [
    ['sampling/createMessage', '{}', undefined],
    ['elicitation/create', '{}', undefined],
    ['elicitation/create', '{"mode":"url"}', 'undeclared'],
    ['elicitation/create', '{"mode":7}', 'undeclared'],
    ['roots/list', '{}', 'undeclared'],
    ['ping', '{}', undefined],
  ] as const
  for (const [method, params, reason] of rows) {
    assert.equal(await reasonFor(ask(method, seatIn(declared), params)), reason, method + params)
  }
  for (const method of METHODS) assert.equal(await reasonFor(ask(method, seatIn([]))), 'undeclared')
})

test('where nothing is known of a client, policy alone decides', async () => {
  for (const method of METHODS) {
    assert.equal(await reasonFor(ask(method, seatIn('unknown'))), undefined)
  }
})

test('what a message of the client declares counts for what is asked on its answer', async () => {
  const initialize = (params: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"${params}}}`
  for (const [params, reason] of [
    [',"capabilities":{"roots":{}}', undefined],
    [',"capabilities":{}', 'undeclared'],
    ['', 'undeclared'],
  ] as const) {
    const seat = seatIn('unknown')
    await judge(frame(initialize(params), 'up', seat), testCaller(), testDesk(RULES))
    assert.equal(await reasonFor(ask('roots/list', seat)), reason)
  }
})

test('a modern request declares for its own rounds', async () => {
  const meta = (capabilities: string): string =>
    `{"_meta":{${VERSION},"io.modelcontextprotocol/clientCapabilities":${capabilities}}}`
  for (const [capabilities, mode, reason] of [
    ['{"elicitation":{}}', undefined, undefined],
    ['{"elicitation":{}}', 'url', 'undeclared'],
    ['{"elicitation":{"url":{}}}', 'url', undefined],
    ['{"sampling":{}}', undefined, 'undeclared'],
  ] as const) {
    const head = { protocolVersion: '2026-07-28', method: 'tools/list' }
    const seat = testSeat({ head })
    const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${meta(capabilities)}}`
    await judge(frame(list, 'up', seat), testCaller(), testDesk(RULES))
    const url = mode === 'url' ? 'https://docs.test/form' : undefined
    const content = { kind: 'input', method: 'elicitation/create', mode, url } as const
    assert.equal(await reasonFor({ seat, direction: 'down', content }), reason)
  }
})

test('a person is sent to pages of the web only, in every era and mode, whatever the rules', async () => {
  const ask = async (params: object): Promise<readonly (string | undefined)[]> => {
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'elicitation/create', params })
    const head = { protocolVersion: '2026-07-28' }
    const asking = { mode: undefined, url: undefined, ...params }
    const content = { kind: 'input', method: 'elicitation/create', ...asking } as const
    return [
      await reasonFor(frame(text, 'down', testSeat())),
      await reasonFor({ seat: testSeat({ head }), direction: 'down', content }),
    ]
  }
  for (const fit of [
    { mode: 'url', url: 'https://docs.test/form' },
    { mode: 'form' },
    {},
    { url: 'http://127.0.0.1/form' },
  ]) {
    assert.deepEqual(await ask(fit), [undefined, undefined])
  }
  for (const unfit of [
    { mode: 'url', url: 'javascript:alert(1)' },
    { mode: 'url', url: 'data:text/html,x' },
    { mode: 'url', url: ' https://docs.test' },
    { mode: 'url', url: '' },
    { mode: 'url' },
    { mode: 'form', url: 'javascript:alert(1)' },
    { url: 'file:///x' },
  ]) {
    assert.deepEqual(await ask(unfit), ['unsafe_url', 'unsafe_url'], JSON.stringify(unfit))
  }
  const number = '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"url":7}}'
  assert.equal(await reasonFor(frame(number, 'down', testSeat())), 'unsafe_url')
})
