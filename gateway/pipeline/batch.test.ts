/** Arrays of messages (MCP 2025-03-26): where they are taken, and that each element is judged and shown alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { testCaller, testDesk, testSeat } from '../testkit/pipeline.ts'
import { bodyUp } from './body-up.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'
import { readBody } from './frame.ts'
import { judge } from './judge.ts'
import { refuse } from './refuse.ts'
import { sealIds } from './request-ids.ts'
import { showBatch } from './show-batch.ts'

const RULES = [
  { id: 'read', effect: 'allow', subjects: [{ any: true }], tools: ['docs/read'] },
  {
    id: 'write',
    effect: 'allow',
    subjects: [{ kind: 'agent', scopes: ['docs.write'] }],
    tools: ['docs/write'],
  },
]

function seatOf(version: string | undefined = '2025-03-26', header?: string): Seat {
  const seat = testSeat({ head: { protocolVersion: header } })
  const session = { handle: 'h', id: 's-1', version: version ?? '', declared: [] }
  seat.session = version === '' ? undefined : session
  return seat
}

const call = (name: string, id: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } })

const list = (id: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: {} })

const arrayOf = (...messages: readonly string[]): Uint8Array =>
  Buffer.from(`[${messages.join(', ')}]`)

/** The refusal that reading or judging ends in. */
async function refusalOf(
  body: Uint8Array,
  seat = seatOf(),
  desk = testDesk(RULES),
  caller = testCaller(),
): Promise<Refusal> {
  try {
    await judge(readBody(body, seat), caller, desk)
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return error
  }
  return assert.fail('not refused')
}

async function permitOf(body: Uint8Array, seat = seatOf(), desk = testDesk(RULES)) {
  return await judge(readBody(body, seat), testCaller(), desk)
}

function answerTo(refusal: Refusal, seat: Seat) {
  const desk = { routes: { sites: new Map(), allowedOrigins: new Set() }, metadataUrl: () => 'm' }
  const { status, body } = refuse(refusal, seat, desk as unknown as Desk)
  assert.ok(body.kind === 'whole')
  return { status, json: JSON.parse(String(body.bytes)) as unknown }
}

test('an array is taken only in a session that negotiated 2025-03-26, and under no other version', async () => {
  const permit = await permitOf(arrayOf(call('read', 1)), seatOf('2025-03-26', '2025-03-26'))
  assert.equal(permit.elements?.length, 1)
  for (const seat of [
    seatOf(''),
    seatOf('2025-06-18'),
    seatOf('2025-11-25', '2025-03-26'),
    seatOf('2025-03-26', '2025-06-18'),
    seatOf('2025-03-26', '2026-07-28'),
  ]) {
    const refusal = await refusalOf(arrayOf(call('read', 1)), seat)
    const { status, json } = answerTo(refusal, seat)
    assert.equal(status, 400)
    assert.deepEqual((json as { error: { code: number } }).error.code, -32600)
  }
})

test('an array must not be empty, hold more than 100 messages, initialize, or two requests with one id', async () => {
  const many = (count: number) => arrayOf(...Array.from({ length: count }, (_, id) => list(id)))
  assert.equal((await permitOf(many(100))).elements?.length, 100)
  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 2,
    method: 'initialize',
    params: { protocolVersion: '2025-03-26' },
  })
  for (const body of [
    arrayOf(),
    many(101),
    arrayOf(list(1), initialize),
    arrayOf(list(1), list(1)),
    arrayOf(list('a'), list('a').replace('"a"', String.raw`"\u0061"`)),
    arrayOf('[]'),
    arrayOf('7'),
  ]) {
    const refusal = await refusalOf(body)
    assert.equal(refusal.code, 'invalid_request')
    assert.equal(answerTo(refusal, seatOf()).status, 400)
  }
  assert.equal((await permitOf(arrayOf(list(1), list('1')))).elements?.length, 2)
})

test('an element that claims another revision is refused', async () => {
  const claim = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
  for (const id of [1, undefined]) {
    const method = id === undefined ? 'notifications/cancelled' : 'tools/list'
    const params = { _meta: claim, ...(id === undefined && { requestId: 1 }) }
    const body = arrayOf(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    assert.equal((await refusalOf(body)).code, 'header_mismatch')
  }
})

test('each element is judged and recorded on its own, those after a refused one too', async () => {
  const seat = seatOf()
  const desk = testDesk(RULES)
  await refusalOf(arrayOf(call('read', 1), call('wipe', 2), call('read', 3)), seat, desk)
  assert.deepEqual(
    seat.journey.calls.map(({ effect, call: { id } }) => [effect, id]),
    [
      ['allow', '1'],
      ['deny', '2'],
      ['allow', '3'],
    ],
  )
  assert.deepEqual(
    desk.recorded.map(({ id }) => id),
    ['call-1', 'call-3'],
  )
})

test('one refused element refuses the array, and every request of it is told why', async () => {
  const seat = seatOf()
  const cancelled = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}'
  const unknown = '{"jsonrpc":"2.0","id":"b","method":"made/up"}'
  const body = arrayOf(call('read', 1), cancelled, call('wipe', '"'), unknown)
  const { status, json } = answerTo(await refusalOf(body, seat), seat)
  const message = 'Not sent: another message of the batch was refused'
  assert.equal(status, 200)
  assert.deepEqual(json, [
    { jsonrpc: '2.0', id: 1, error: { code: 1000, message } },
    { jsonrpc: '2.0', id: '"', error: { code: -32602, message: 'Unknown tool: wipe' } },
    { jsonrpc: '2.0', id: 'b', error: { code: -32601, message: 'Method not found' } },
  ])
})

test('a refused array without requests is answered with the status, for nobody reads more', async () => {
  const seat = seatOf()
  const refusal = await refusalOf(
    arrayOf('{"jsonrpc":"2.0","method":"notifications/made-up"}'),
    seat,
  )
  assert.equal(answerTo(refusal, seat).status, 400)
})

test('what befalls a whole array after it was judged is told to every request', async () => {
  const seat = seatOf()
  await permitOf(
    arrayOf(list(1), list(2), '{"jsonrpc":"2.0","method":"notifications/initialized"}'),
    seat,
  )
  const { status, json } = answerTo(new Refusal('upstream_timeout'), seat)
  assert.equal(status, 200)
  const errors = json as readonly { id: number; error: { code: number } }[]
  assert.deepEqual(
    errors.map(({ id, error }) => [id, error.code]),
    [
      [1, 1003],
      [2, 1003],
    ],
  )
})

test('missing scopes of all elements are asked for at once, with the status a client follows', async () => {
  const seat = seatOf()
  const interactive = testCaller({ interactive: true })
  const body = arrayOf(call('wipe', 1), call('write', 2))
  const refusal = await refusalOf(body, seat, testDesk(RULES), interactive)
  assert.deepEqual([refusal.code, refusal.extra.scopes], ['insufficient_scope', ['docs.write']])
  assert.equal(answerTo(refusal, seat).status, 403)
})

test('signing in anew for all elements is asked for at once, with the scopes they lack', async () => {
  const seat = seatOf()
  const requiring = (tool: string, stepUp: object) => ({
    id: `sign-in-for-${tool}`,
    effect: 'require',
    subjects: [{ any: true }],
    tools: [`docs/${tool}`],
    require: { step_up: stepUp },
  })
  const interactive = testCaller({ interactive: true })
  const body = arrayOf(call('read', 1), call('write', 2))
  const gold = requiring('write', { acr: ['gold'] })
  const desk = testDesk([...RULES, requiring('read', { max_age: '5m' }), gold])
  const refusal = await refusalOf(body, seat, desk, interactive)
  const { stepUp, scopes } = refusal.extra
  assert.deepEqual(
    [refusal.code, stepUp, scopes],
    ['insufficient_user_authentication', { acr: ['gold'], maxAgeSeconds: 300 }, ['docs.write']],
  )
  assert.equal(answerTo(refusal, seat).status, 401)
  // Where no sign-in is good enough for all, each is told for itself.
  const both = testDesk([...RULES, requiring('read', { acr: ['iron'] }), gold])
  const each = await refusalOf(body, seatOf(), both, interactive)
  assert.equal(answerTo(each, seat).status, 200)
})

test('when decisions cannot be recorded the array is not judged to its end', async () => {
  const seat = seatOf()
  const desk = {
    ...testDesk(RULES),
    record: () => {
      throw new Refusal('audit_unavailable')
    },
  }
  const refusal = await refusalOf(arrayOf(call('read', 1), call('read', 2)), seat, desk)
  assert.equal(refusal.code, 'audit_unavailable')
  assert.equal(seat.journey.calls.length, 1)
  assert.equal(answerTo(refusal, seat).status, 503)
})

test('responses in an array come up under the ids they were asked with, and one that was not asked refuses it', async () => {
  const [seat, desk] = [seatOf(), testDesk(RULES)]
  const permit = await permitOf(arrayOf(list(1)), seat, desk)
  const sealed = (id: number): string => {
    const asked = Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)
    const frame = readBody(asked, seat)
    assert.ok('content' in frame && frame.content.kind === 'message')
    const { message } = frame.content
    const down = Buffer.from(sealIds(asked, message, { permit, seat, desk })).toString()
    return (JSON.parse(down) as { id: string }).id
  }
  const response = (id: unknown): string => JSON.stringify({ jsonrpc: '2.0', id, result: {} })
  const body = arrayOf(response(sealed(7)), list(3), response(sealed(8)))
  const opened = bodyUp(body, await permitOf(body, seat, desk), seat, desk)
  assert.deepEqual(Buffer.from(opened), arrayOf(response(7), list(3), response(8)))
  const forged = arrayOf(response(sealed(7)), list(3), response(8))
  const forgedPermit = await permitOf(forged, seat, desk)
  let refusal: unknown
  try {
    bodyUp(forged, forgedPermit, seat, desk)
  } catch (error) {
    refusal = error
  }
  assert.ok(refusal instanceof Refusal)
  const { status, json } = answerTo(refusal, seat)
  assert.equal(status, 200)
  assert.deepEqual((json as readonly { id: number }[])[0]?.id, 3)
})

const TOOLS = (id: unknown): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":[{"name":"read"},{"name":"wipe"}]}}`

test('an answer is shown response by response: lists filtered, the rest as it came', async () => {
  const desk = testDesk(RULES)
  const permit = await permitOf(arrayOf(list('a'), call('read', 2)), seatOf(), desk)
  const called = '{"jsonrpc":"2.0", "id":2, "result":{"x":1.0}}'
  const shown = showBatch(
    Buffer.from(`[ ${called} ,${TOOLS('a')}]`),
    { permit, seat: seatOf() },
    desk,
  )
  assert.ok(shown.ok)
  assert.equal(
    Buffer.from(shown.bytes).toString(),
    `[${called},{"jsonrpc":"2.0","id":"a","result":{"tools":[{"name":"read"}]}}]`,
  )
  assert.deepEqual(desk.catalogue.knows('docs', 'tool', 'wipe'), true)
})

test('what answers none of the requests, or one of them again, is not shown', async () => {
  const desk = testDesk(RULES)
  const permit = await permitOf(arrayOf(call('read', 1), call('read', 2)), seatOf(), desk)
  const response = (id: unknown): string => JSON.stringify({ jsonrpc: '2.0', id, result: { id } })
  const others = [
    response('1'),
    response(9),
    '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}',
    '{"jsonrpc":"2.0","method":"notifications/message"}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}',
  ]
  const answer = arrayOf(...others, response(1), response(1))
  const shown = showBatch(answer, { permit, seat: seatOf() }, desk)
  assert.ok(shown.ok)
  assert.equal(Buffer.from(shown.bytes).toString(), `[${response(1)}]`)
  for (const alone of [...others, arrayOf(...others).toString(), '[]', '{', '[7]']) {
    assert.equal(showBatch(Buffer.from(alone), { permit, seat: seatOf() }, desk).ok, false, alone)
  }
  const lone = showBatch(Buffer.from(response(2)), { permit, seat: seatOf() }, desk)
  assert.ok(lone.ok)
  assert.equal(Buffer.from(lone.bytes).toString(), response(2))
})
