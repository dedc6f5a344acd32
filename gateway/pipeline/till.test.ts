/** What an array of messages takes, and gets back when it does not go up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBuckets } from '../limits/buckets.ts'
import { createBudgets } from '../limits/budgets.ts'
import { Refusal } from '../model/refusal.ts'
import { type Facts, NO_FACTS } from '../policy/occasion.ts'
import { testCall } from '../testkit/journey.ts'
import {
  testApprovals,
  testCaller,
  testDesk,
  testGrants,
  testSeat,
  testServer,
} from '../testkit/pipeline.ts'
import { readBody } from './frame.ts'
import { judge } from './judge.ts'
import { openTill } from './till.ts'

const ALLOW = { effect: 'allow', subjects: [{ any: true }] }
const RULES = [
  { ...ALLOW, id: 'limited', tools: ['docs/limited'], limits: { rate: '1/h', burst: 2 } },
  { ...ALLOW, id: 'granted', tools: ['docs/granted'], grant: { max_uses: 2 } },
  { ...ALLOW, id: 'approved', tools: ['docs/approved'] },
  {
    ...ALLOW,
    id: 'held',
    effect: 'require',
    tools: ['docs/approved'],
    require: { approval: { by: 'group:leads' } },
  },
]

/** A desk where there are two uses of each thing; how an array of calls of these tools fares there. */
async function openShop() {
  const [grants, approvals] = [testGrants(), testApprovals()]
  const caller = testCaller()
  const { issuer, subject } = caller
  const request = { rule: 'granted', issuer, subject, maxUses: 2 }
  const terms = { ttlMs: undefined, task: undefined, maxUses: 2 }
  await grants.create(request, terms, 'op')
  const none = { agent: undefined, human: undefined, service: undefined }
  const limits = { ...NO_LIMITS, callers: none, servers: new Map(), shared: false }
  const desk = testDesk(RULES)
  const facts: Facts = {
    ...NO_FACTS,
    grant: (rule, who) => (grants.book.find(rule, who)?.usedUp === false ? 'live' : 'used_up'),
  }
  const own = { ...desk, grants, approvals, facts, budgets: createBudgets(limits, createBuckets()) }
  const send = async (...tools: readonly string[]): Promise<string> => {
    const server = testServer({ unlisted: 'allow' })
    const seat = testSeat({ server })
    seat.session = { handle: 'h', id: 's', version: '2025-03-26', declared: [] }
    const messages = tools.map((name, id) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: {} },
    }))
    try {
      await judge(readBody(Buffer.from(JSON.stringify(messages)), seat), caller, own)
      return 'sent'
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
      const url = error.extra.data?.['url']
      if (typeof url !== 'string') return error.code
      return url
    }
  }
  const approve = async (url: string): Promise<void> => {
    const verdict = { rules: ['held'], by: 'lena', decision: { kind: 'once' } } as const
    assert.ok(await approvals.decide(url.slice(-22), verdict))
  }
  return { send, approve }
}

const NO_LIMITS = { clients: undefined, initialize: undefined, sameCall: undefined }

test('one refused message costs the others nothing: no budget, no use of a grant, no approval', async () => {
  const { send, approve } = await openShop()
  await approve(await send('approved'))
  for (let round = 0; round < 5; round += 1) {
    assert.equal(await send('limited', 'granted', 'approved', 'nowhere'), 'unknown_name')
  }
  assert.equal(await send('limited', 'granted', 'approved'), 'sent')
  assert.equal(await send('limited', 'granted'), 'sent')
})

test('messages of one array draw on the same budgets and grants, each on what the others leave', async () => {
  const { send } = await openShop()
  assert.equal(await send('limited', 'limited', 'limited'), 'over_budget')
  assert.equal(await send('granted', 'granted', 'granted'), 'unknown_name')
  assert.equal(await send('limited', 'limited', 'granted', 'granted'), 'sent')
  assert.equal(await send('limited'), 'over_budget')
  assert.equal(await send('granted'), 'unknown_name')
})

test('one approval is for one message of an array', async () => {
  const { send, approve } = await openShop()
  await approve(await send('approved'))
  const another = await send('approved', 'approved')
  assert.match(another, /^https:/)
  assert.equal(await send('approved'), 'sent')
  assert.equal(await send('approved'), another)
})

test('what other processes were asked for is given back too, once they have given it', async () => {
  const given: string[] = []
  const answers = [undefined, { limit: 'caller', retryAfterSeconds: 1 } as const]
  const till = openTill({
    ...testDesk(RULES),
    budgets: {
      spend: () => Promise.resolve(answers.shift()),
      giveBack: ({ server }) => void given.push(server.name),
    },
  })
  const call = testCall({})
  const purchase = { call, caller: testCaller(), server: testServer(), frame: undefined, tick: 0 }
  assert.equal(await till.desk.budgets?.spend(purchase), undefined)
  assert.notEqual(await till.desk.budgets?.spend(purchase), undefined)
  await till.giveBack()
  assert.deepEqual(given, ['docs'])
})
