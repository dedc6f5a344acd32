import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Refusal } from '../model/refusal.ts'
import { judgedCall } from '../testkit/journey.ts'
import type { TestDesk } from '../testkit/pipeline.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import type { Desk } from './desk.ts'
import { judgeInputs, showInputs } from './judge-inputs.ts'
import type { Answered } from './show-message.ts'

const SUBJECTS = [{ any: true }]
const RULES = [
  { id: 'tool', effect: 'allow', subjects: SUBJECTS, tools: ['docs/*'] },
  { id: 'forms', effect: 'allow', subjects: SUBJECTS, methods: ['elicitation/create'] },
  {
    id: 'no-roots',
    effect: 'deny',
    subjects: SUBJECTS,
    methods: ['roots/list'],
    reason: 'Folders are private.',
    disclose: true,
  },
]

/** The answer to a permitted call, whose version is that of its request. */
function answered(protocolVersion = '2026-07-28') {
  const seat = testSeat({ head: { protocolVersion } })
  const own = judgedCall()
  seat.journey.calls.push(own)
  const permit = { caller: testCaller(), server: testServer(), call: { id: '"é"' } }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only these parts are read
  const about = { permit, seat, answer: {} } as unknown as Answered
  return { about, journey: seat.journey, own }
}

/** Whoever signs in for what a server asks in its answer comes back and has it done twice. */
test('nobody is asked to sign in anew in the middle of an answer', async () => {
  const [, forms] = RULES
  const fresh = {
    ...forms,
    id: 'fresh',
    effect: 'require',
    require: { step_up: { max_age: '5m' } },
  }
  const { about } = answered()
  const caller = testCaller({ interactive: true })
  const asked = { ...about, permit: { ...about.permit, caller } }
  const input = { method: 'elicitation/create', mode: undefined, url: undefined }
  const refusal: unknown = await judgeInputs(
    [input],
    asked,
    asDesk(testDesk([...RULES, fresh])),
  ).catch((error: unknown) => error)
  assert.ok(refusal instanceof Refusal)
  assert.equal(refusal.code, 'policy_denied')
})

function asDesk(desk: TestDesk): Desk {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only these parts are read
  return desk as unknown as Desk
}

/** The refusal of what is asked; undefined when all of it may pass. */
async function refusalOf(methods: readonly string[], version?: string) {
  const desk = testDesk(RULES)
  const inputs = methods.map((method) => ({ method, mode: undefined, url: undefined }))
  const { about, journey, own } = answered(version)
  const refusal: unknown = await judgeInputs(inputs, about, asDesk(desk)).catch(
    (error: unknown) => error,
  )
  assert.deepEqual(journey.calls, [own])
  assert.ok(refusal === undefined || refusal instanceof Refusal)
  return { refusal, asked: desk.settled.map(({ call, effect }) => `${call.method} ${effect}`) }
}

test('what rules allow may be asked, and each has its outcome', async () => {
  const methods = ['elicitation/create', 'elicitation/create']
  const { refusal, asked } = await refusalOf(methods)
  assert.equal(refusal, undefined)
  assert.deepEqual(asked, ['elicitation/create allow', 'elicitation/create allow'])
  assert.equal((await refusalOf([])).refusal, undefined)
})

test('the first that may not be asked refuses the rest, in words that name it', async () => {
  const methods = ['elicitation/create', 'sampling/createMessage', 'elicitation/create']
  const { refusal, asked } = await refusalOf(methods)
  assert.equal(refusal?.code, 'policy_denied')
  assert.match(refusal.message, /sampling\/createMessage/)
  assert.deepEqual(asked, ['elicitation/create allow', 'sampling/createMessage deny'])
})

test('a rule’s public reason is told in its own words', async () => {
  const { refusal } = await refusalOf(['roots/list'])
  assert.equal(refusal?.message, 'Folders are private.')
})

test('what no server may ask in a result is not told to the caller', async () => {
  for (const method of ['tools/call', 'tasks/get', 'ping', 'x', 'notifications/message']) {
    const { refusal, asked } = await refusalOf([method])
    assert.equal(refusal?.code, 'upstream_unavailable', method)
    assert.doesNotMatch(refusal.message, new RegExp(method))
    assert.deepEqual(asked, [])
  }
  const legacy = await refusalOf(['elicitation/create'], '2025-11-25')
  assert.equal(legacy.refusal?.code, 'upstream_unavailable')
})

test('once the head of an answer is out, the error stands in place of the result', async () => {
  const desk = asDesk(testDesk(RULES))
  const bytes = Buffer.from('{"result":1}')
  const { about, journey } = answered()
  const shown = {
    bytes,
    inputs: [{ method: 'elicitation/create', mode: undefined, url: undefined }],
  }
  assert.equal(await showInputs(shown, about, desk), bytes)
  assert.equal(journey.refusal, undefined)
  const inputs = [{ method: 'roots/list', mode: undefined, url: undefined }]
  const error = await showInputs({ bytes, inputs }, about, desk)
  assert.equal(
    Buffer.from(error).toString(),
    '{"jsonrpc":"2.0","id":"é","error":{"code":1001,"message":"Folders are private."}}',
  )
  const { refusal, rpcError, ending } = journey
  assert.deepEqual([refusal, rpcError, ending], ['policy_denied', 1001, 'refused'])
})
