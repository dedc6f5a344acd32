import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Call } from '../model/call.ts'
import type { Caller } from '../model/caller.ts'
import type { Limits, ServerLimits } from '../model/limits.ts'
import { testCall } from '../testkit/journey.ts'
import { testCaller, testServer } from '../testkit/pipeline.ts'
import { createBuckets } from './buckets.ts'
import { createBudgets } from './budgets.ts'

const ONE = { perSecond: 0.01, burst: 1 }
const TWO = { perSecond: 0.01, burst: 2 }

function limitsWith(more: Partial<Limits>): Limits {
  return {
    callers: { agent: undefined, human: undefined, service: undefined },
    clients: undefined,
    initialize: undefined,
    sameCall: undefined,
    servers: new Map(),
    shared: false,
    ...more,
  }
}

function onServer(more: Partial<ServerLimits>): Limits {
  const own = { caller: undefined, everybody: undefined, costs: new Map<string, number>(), ...more }
  return limitsWith({ servers: new Map([['docs', own]]) })
}

type Asked = {
  readonly caller?: Partial<Caller>
  readonly call?: Partial<Call>
  readonly server?: string
  readonly args?: string
  readonly rule?: string
}

/** Pays for calls under these limits: what each runs into, `paid` when in nothing. */
function openPurse(limits: Limits, buckets = createBuckets()) {
  const budgets = createBudgets(limits, buckets)
  return ({ caller, call, server = 'docs', args, rule }: Asked = {}): string => {
    const frame = args === undefined ? undefined : Buffer.from(args)
    const span = frame && { start: 0, end: frame.length }
    const over = budgets.spend({
      call: testCall({ ...call, ...(span && { arguments: span }) }),
      caller: testCaller(caller),
      server: testServer({ name: server }),
      frame,
      ...(rule !== undefined && { rule: { id: rule, budget: TWO } }),
      tick: 0,
    })
    assert.ok(!(over instanceof Promise), 'buckets of one process are asked at once')
    return over?.limit ?? 'paid'
  }
}

test('without limits everything is paid for', () => {
  const pay = openPurse(limitsWith({}))
  for (let at = 0; at < 100; at += 1) assert.equal(pay(), 'paid')
})

test('a caller has one budget on all servers, of its kind, whatever its tokens', () => {
  const callers = { agent: ONE, human: TWO, service: undefined }
  const pay = openPurse(limitsWith({ callers }))
  assert.equal(pay({ caller: { tokenId: 'a' } }), 'paid')
  assert.equal(pay({ caller: { tokenId: 'b' }, server: 'other' }), 'caller')
  for (const other of ['tenant', 'issuer', 'subject', 'client']) {
    assert.equal(pay({ caller: { [other]: 'another' } }), 'paid')
  }
  const human = { kind: 'human', subject: 'eve' } as const
  assert.deepEqual([pay({ caller: human }), pay({ caller: human })], ['paid', 'paid'])
  assert.equal(pay({ caller: human }), 'caller')
  for (let at = 0; at < 10; at += 1) {
    assert.equal(pay({ caller: { kind: 'service', subject: 'cron' } }), 'paid')
  }
})

test('a client has one budget for everybody it acts for; without a client there is none', () => {
  const pay = openPurse(limitsWith({ clients: ONE }))
  assert.equal(pay({ caller: { subject: 'a' } }), 'paid')
  assert.equal(pay({ caller: { subject: 'b' } }), 'client')
  assert.equal(pay({ caller: { subject: 'b', client: 'another' } }), 'paid')
  for (let at = 0; at < 3; at += 1) assert.equal(pay({ caller: { client: '' } }), 'paid')
})

test('sessions are limited apart from calls', () => {
  const pay = openPurse(limitsWith({ initialize: ONE }))
  const initialize = { call: { method: 'initialize' } }
  assert.deepEqual([pay(initialize), pay(initialize)], ['paid', 'initialize'])
  for (let at = 0; at < 10; at += 1) assert.equal(pay(), 'paid')
})

test('the same tool with the same arguments is limited; another tool, caller, server or argument is not', () => {
  const pay = openPurse(limitsWith({ sameCall: ONE }))
  const args = '{"a":1}'
  assert.equal(pay({ args }), 'paid')
  assert.equal(pay({ args }), 'same_call')
  assert.equal(pay({ args: '{"a":2}' }), 'paid')
  assert.equal(pay({ args, server: 'other' }), 'paid')
  assert.equal(pay({ args, caller: { subject: 'another' } }), 'paid')
  assert.equal(pay({ args, call: { targets: [{ kind: 'tool', name: 'another' }] } }), 'paid')
  for (let at = 0; at < 3; at += 1) assert.equal(pay({ call: { method: 'tools/list' } }), 'paid')
})

test('a server has budgets of its own, for each caller and for everybody', () => {
  const each = openPurse(onServer({ caller: ONE }))
  assert.deepEqual([each(), each(), each({ server: 'other' })], ['paid', 'server_caller', 'paid'])
  assert.equal(each({ caller: { subject: 'another' } }), 'paid')
  const all = openPurse(onServer({ everybody: ONE }))
  assert.deepEqual([all(), all({ caller: { subject: 'another' } })], ['paid', 'server'])
})

test('a tool may cost more, less or nothing', () => {
  const costs = new Map([
    ['dear', 2],
    ['free', 0],
  ])
  const call = (name: string) => ({ call: { targets: [{ kind: 'tool', name }] } }) as const
  const pay = openPurse(onServer({ caller: TWO, costs }))
  for (let at = 0; at < 10; at += 1) assert.equal(pay(call('free')), 'paid')
  assert.deepEqual([pay(call('dear')), pay(call('other'))], ['paid', 'server_caller'])
  assert.equal(pay(call('free')), 'paid')
})

test('what is refused by one limit is not charged to another', () => {
  const callers = { agent: TWO, human: undefined, service: undefined }
  const pay = openPurse({ ...onServer({ caller: ONE }), callers })
  assert.equal(pay(), 'paid')
  for (let at = 0; at < 10; at += 1) assert.equal(pay(), 'server_caller')
  assert.equal(pay({ server: 'other' }), 'paid')
  assert.equal(pay({ server: 'other' }), 'caller')
})

test('what was spent under one configuration is spent under the next', () => {
  const buckets = createBuckets()
  const limits = onServer({ caller: ONE })
  assert.equal(openPurse(limits, buckets)(), 'paid')
  assert.equal(openPurse(limits, buckets)(), 'server_caller')
})

test('a rule with limits has a budget for each caller on each server, where nothing else is limited', () => {
  const pay = openPurse(limitsWith({}))
  assert.deepEqual(
    [pay({ rule: 'a' }), pay({ rule: 'a' }), pay({ rule: 'a' })],
    ['paid', 'paid', 'rule'],
  )
  assert.equal(pay({ rule: 'b' }), 'paid')
  assert.equal(pay({ rule: 'a', caller: { subject: 'other' } }), 'paid')
  assert.equal(pay({ rule: 'a', server: 'db' }), 'paid')
  assert.equal(pay({}), 'paid')
})

test('what is given back is given back to every limit it was paid from', () => {
  const buckets = createBuckets()
  const callers = { agent: TWO, human: undefined, service: undefined }
  const budgets = createBudgets({ ...onServer({ caller: ONE }), callers }, buckets)
  const purchase = {
    call: testCall({}),
    caller: testCaller(),
    server: testServer(),
    frame: undefined,
    tick: 0,
  }
  for (let round = 0; round < 5; round += 1) {
    assert.equal(budgets.spend(purchase), undefined)
    assert.deepEqual(budgets.spend(purchase), { limit: 'server_caller', retryAfterSeconds: 100 })
    budgets.giveBack(purchase, 0)
  }
})
