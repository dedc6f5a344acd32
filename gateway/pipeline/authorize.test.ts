/** What a permit costs and when: budgets, approvals, and a decision point's time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { scan } from '../mcp/scan.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Approval } from '../registry/approval.ts'
import { testCaller, testDesk, testSeat, testServer } from '../testkit/pipeline.ts'
import { judge } from './judge.ts'

type TestDesk = ReturnType<typeof testDesk>

const ALLOW = { id: 'all', effect: 'allow', subjects: [{ any: true }], tools: ['docs/*'] }
const APPROVE = { ...ALLOW, id: 'ask', effect: 'require', require: { approval: { by: 'subject' } } }
const CALL = { method: 'tools/call', params: { name: 'pay', arguments: {} } }

const APPROVAL: Approval = { id: 'a', rule: 'ask', once: true, by: 'p', expiresAtSeconds: 1e9 }

/** A desk where the call has been approved, until its approval is spent as told. */
function approving(desk: TestDesk, spend: () => Promise<boolean>): TestDesk {
  const approvals = { ...desk.approvals, any: true, find: () => APPROVAL, spend }
  return { ...desk, approvals }
}

async function ask(
  message: object,
  desk: TestDesk,
  server: Partial<McpServer> = {},
  caller = testCaller(),
) {
  const seat = testSeat({ server: testServer({ unlisted: 'allow', ...server }) })
  const scanned = scan(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })))
  assert.ok(scanned.ok)
  const content = { kind: 'message', message: scanned.messages[0]! } as const
  const code = await judge({ seat, direction: 'up', content }, caller, desk).then(
    () => 'passed',
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  )
  return { code, entry: seat.journey.calls[0] }
}

const LIST = { method: 'tools/list' }

test('a list of tools is paid for, also where changed tools are kept back', async () => {
  for (const pin of ['off', 'watch', 'hold'] as const) {
    let paid = 0
    const budgets = { spend: () => void (paid += 1), giveBack: () => undefined }
    assert.equal((await ask(LIST, { ...testDesk([ALLOW]), budgets }, { pin })).code, 'passed')
    assert.equal(paid, 1, pin)
  }
})

test('a list of tools is refused while nobody can tell which have changed', async () => {
  const desk = testDesk([ALLOW])
  const prepare = async (): Promise<void> => {
    throw new Error('the store is away')
  }
  const away = { ...desk, pins: Object.assign(Object.create(desk.pins), { prepare }) as never }
  assert.equal((await ask(LIST, away, { pin: 'hold' })).code, 'state_unavailable')
  assert.equal((await ask(LIST, away)).code, 'passed')
})

test('a decision point is asked once about a call, and not again for its approval', async () => {
  let asked = 0
  const askPoint: TestDesk['askPoint'] = async () => {
    asked += 1
    return { ok: true, decision: true, context: undefined }
  }
  const decisionPoint = {
    url: 'https://pdp.test/',
    token: undefined,
    mode: 'and',
    timeoutMs: 100,
    maxConcurrent: 8,
    cacheMs: 0,
    sendsArguments: false,
  } as const
  const desk = approving({ ...testDesk([ALLOW, APPROVE]), askPoint }, async () => true)
  const { code, entry } = await ask(CALL, desk, { decisionPoint })
  assert.deepEqual([code, entry?.effect, entry?.decisionPoint], ['passed', 'allow', 'allow'])
  assert.equal(asked, 1)
})

test('a call whose approval cannot be spent is on record as refused', async () => {
  const rules = [ALLOW, APPROVE]
  const away = approving(testDesk(rules), async () => {
    throw new Error('the store is away')
  })
  const refused = await ask(CALL, away)
  assert.deepEqual([refused.code, refused.entry?.effect], ['state_unavailable', 'deny'])
  const taken = await ask(
    CALL,
    approving(testDesk(rules), async () => false),
  )
  assert.deepEqual([taken.code, taken.entry?.effect], ['approval_required', 'require'])
})

test('a name that no list has shown is no label, though its session is unknown to the server', async () => {
  const { entry } = await ask(CALL, testDesk([ALLOW]), { unlisted: 'deny' })
  assert.equal(entry?.label, 'other')
})

test('approvers do not see what rules keep out of records, and approve all that was sent', async () => {
  const desk = testDesk([
    { ...ALLOW, obligations: [{ audit: 'arguments' }, { redact: ['login.password'] }] },
    { ...APPROVE, obligations: [{ audit: 'arguments' }, { redact: ['pin'] }] },
  ])
  const shown: (string | undefined)[] = []
  const digests = new Set<string>()
  const approvals = {
    ...desk.approvals,
    ask: async (...[wanted, { seal }]: Parameters<TestDesk['approvals']['ask']>) => {
      shown.push(desk.seals.open('approval', ['a'], seal('a')))
      digests.add(wanted.call.arguments)
      return { ...wanted, id: 'a', sealed: '', createdAtSeconds: 0 }
    },
  }
  const person = testCaller({ kind: 'human' })
  for (const password of ['hunter2', 'hunter3']) {
    const args = { to: 'bob', pin: 1, login: { password } }
    const params = { name: 'pay', arguments: args }
    await ask({ ...CALL, params }, { ...desk, approvals }, {}, person)
  }
  const page = '{"to":"bob","pin":"[redacted]","login":{"password":"[redacted]"}}'
  assert.deepEqual(shown, [page, page])
  assert.equal(digests.size, 2)
})
