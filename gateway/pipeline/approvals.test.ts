/** Calls that wait for people where there is no HTTP answer of their own: on a WebSocket, in a batch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../model/refusal.ts'
import type { Caller } from '../model/caller.ts'
import { type Approvals, MAX_ASKS } from '../registry/approvals.ts'
import {
  testApprovals,
  testCaller,
  testDesk,
  testJourney,
  testSeat,
  testServer,
} from '../testkit/pipeline.ts'
import { type Said, testSession } from '../testkit/socket-session.ts'
import type { Desk } from './desk.ts'
import { readBody, type Seat } from './frame.ts'
import { judge } from './judge.ts'
import { refuse } from './refuse.ts'

const ANYBODY = { subjects: [{ any: true }] }
const RULES = [
  { ...ANYBODY, id: 'all', effect: 'allow', tools: ['docs/*'], resources: ['docs:file:///**'] },
  {
    ...ANYBODY,
    id: 'held',
    effect: 'require',
    tools: ['docs/delete'],
    resources: ['docs:file:///held'],
    require: { approval: { by: 'group:leads' } },
  },
]

const call = (id: unknown, name = 'delete', args: object = { path: '/a' }): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})

/** The page that a message names, in whichever way. */
function pageIn(message: Said | undefined): string {
  const found = /https:\/\/gw\.test\/approve\/[\w-]{22}/.exec(JSON.stringify(message))
  return found?.[0] ?? assert.fail(JSON.stringify(message))
}

async function approve(approvals: Approvals, url: string): Promise<void> {
  const verdict = { rules: ['held'], by: 'lena', decision: { kind: 'once' } } as const
  assert.ok(await approvals.decide(url.slice(-22), verdict))
}

/** A connection whose client has said what it can do. */
async function connected(capabilities: object) {
  const approvals = testApprovals()
  const session = testSession(RULES, { unlisted: 'allow' }, { approvals })
  const params = { protocolVersion: '2025-11-25', capabilities }
  await session.up({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  await session.down({ jsonrpc: '2.0', id: 0, result: { protocolVersion: '2025-11-25' } })
  return { ...session, approvals }
}

test('on a WebSocket a client that opens links gets -32042, and its approved call goes up once', async () => {
  const { session, up, toClient, toServer, approvals } = await connected({
    elicitation: { url: {} },
  })
  assert.equal(session.hearsCompletion, true)
  const before = toServer.length
  await up(call(1))
  assert.deepEqual([toClient.at(-1)?.id, toClient.at(-1)?.error?.code], [1, -32042])
  const url = pageIn(toClient.at(-1))
  await approve(approvals, url)
  await up(call(2, 'delete', { path: '/b' }))
  assert.notEqual(pageIn(toClient.at(-1)), url)
  assert.equal(toServer.length, before)
  await up(call(3))
  assert.equal(toServer.at(-1)?.id, 3)
  await up(call(4))
  assert.notEqual(pageIn(toClient.at(-1)), url, 'an approval is used once')
  assert.equal(toServer.length, before + 1)
})

test('on a WebSocket any other client gets the link in the result of the tool, or in the error', async () => {
  const { session, up, toClient } = await connected({})
  assert.equal(session.hearsCompletion, false)
  await up(call('a'))
  const result = toClient.at(-1)?.result
  assert.equal(result?.['isError'], true)
  const page = pageIn(toClient.at(-1))
  const read = {
    jsonrpc: '2.0',
    id: 'b',
    method: 'resources/read',
    params: { uri: 'file:///held' },
  }
  await up(read)
  assert.equal(toClient.at(-1)?.error?.code, 1005)
  assert.notEqual(pageIn(toClient.at(-1)), page)
})

/** What becomes of one message of this caller, where people have to approve whatever it is. */
async function told(message: object, caller: Partial<Caller>, approvals = testApprovals()) {
  const methods = new Set(['acme/wipe'])
  const seat = testSeat({ server: testServer({ unlisted: 'allow', methods }) })
  const rules = ['group:leads', 'subject'].map((by) => ({
    ...ANYBODY,
    id: by.replace(':', '-'),
    effect: 'require',
    tools: [by === 'subject' ? 'docs/own' : 'docs/delete'],
    methods: ['acme/*'],
    require: { approval: { by } },
  }))
  const allow = { ...ANYBODY, id: 'all', effect: 'allow', tools: ['docs/*'], methods: ['acme/*'] }
  const desk = { ...testDesk([allow, ...rules]), approvals }
  const frame = readBody(Buffer.from(JSON.stringify(message)), seat)
  const refusal = await judge(frame, testCaller(caller), desk).catch((error: unknown) => error)
  assert.ok(refusal instanceof Refusal, String(refusal))
  const { code, extra } = refusal
  const { effect, reason } = seat.journey.calls[0] ?? {}
  return { code, link: extra.link, message: refusal.message, effect, reason }
}

test('nobody is sent where nobody can approve: no person, the same API key, nothing to be shown', async () => {
  const own = call(1, 'own')
  const wipe = { jsonrpc: '2.0', id: 1, method: 'acme/wipe', params: { all: true } }
  for (const [message, caller, why] of [
    [own, { interactive: false }, /no person stands behind it/],
    [own, { kind: 'human', via: 'api_key' }, /no person stands behind it/],
    [wipe, { interactive: true }, /what it asks for cannot be shown/],
  ] as const) {
    const { code, link, message: said } = await told(message, caller)
    assert.deepEqual([code, link], ['approval_required', undefined])
    assert.match(said, why)
  }
  assert.ok((await told(own, { interactive: true })).link)
  assert.ok((await told(call(1), { kind: 'human', via: 'api_key' })).link)
})

test('who has people asked about too many calls is told to come back later', async () => {
  const approvals = testApprovals()
  for (let round = 0; round < MAX_ASKS; round += 1) {
    await told(call(1, 'delete', { round }), {}, approvals)
  }
  const { code, effect, reason } = await told(call(1, 'delete', {}), {}, approvals)
  assert.deepEqual([code, effect, reason], ['over_budget', 'deny', 'over_budget'])
})

/** A desk, and what a batch of messages is answered with there; empty when it may go up. */
function openBatches(declared: NonNullable<Seat['declared']>) {
  const approvals = testApprovals()
  const routes = { sites: new Map(), allowedOrigins: new Set() }
  const desk = {
    ...testDesk(RULES),
    approvals,
    routes,
    metadataUrl: () => '',
    scopesOf: () => [],
  } as unknown as Desk
  const send = async (messages: readonly object[]): Promise<readonly Said[]> => {
    const server = testServer({ unlisted: 'allow' })
    const journey = { ...testJourney(), caller: testCaller() }
    const seat: Seat = { ...testSeat({ server }), journey }
    seat.session = { handle: 'h', id: 's', version: '2025-03-26', declared }
    try {
      await judge(readBody(Buffer.from(JSON.stringify(messages)), seat), testCaller(), desk)
      return []
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
      const { status, body } = refuse(error, seat, desk)
      assert.equal(status, 200)
      return JSON.parse(body.kind === 'whole' ? String(body.bytes) : '') as Said[]
    }
  }
  return { approvals, send }
}

for (const [declared, code] of [
  [['elicitation_url'], -32042],
  [[], undefined],
] as const) {
  const what = code === undefined ? 'opens none' : 'opens links'
  test(`in a batch of a client that ${what} each call has its own page, and all go up once all are approved`, async () => {
    const { approvals, send } = openBatches(declared)
    const messages = [call(1), call(2, 'read'), call('x', 'delete', { path: '/b' })]
    const [one, two, three] = await send(messages)
    assert.deepEqual([one?.id, two?.id, three?.id], [1, 2, 'x'])
    assert.deepEqual([one?.error?.code, two?.error?.code, three?.error?.code], [code, 1000, code])
    assert.equal(one?.result?.['isError'], code === undefined ? true : undefined)
    assert.notEqual(pageIn(one), pageIn(three))
    await approve(approvals, pageIn(one))
    const [, , left] = await send(messages)
    assert.equal(pageIn(left), pageIn(three))
    await approve(approvals, pageIn(three))
    assert.deepEqual(await send(messages), [])
    assert.notEqual(pageIn((await send(messages))[0]), pageIn(one))
  })
}
