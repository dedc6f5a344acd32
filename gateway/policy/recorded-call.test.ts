import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Target } from '../model/call.ts'
import { plainCall, recordedLog } from '../testkit/recorded-log.ts'
import { isByRules, readRecordedCall } from './recorded-call.ts'
import { createRecordedCalls } from './recorded-calls.ts'

function firstOf(log: string) {
  return readRecordedCall(log.split('\n')[0]!)
}

test('a recorded decision is read back as the question it answered', () => {
  const caller = {
    issuer: 'https://idp.test',
    subject: 'anna',
    client: 'desktop',
    kind: 'human',
    groups: new Set(['analysts', 'staff']),
    scopes: new Set(['docs:read']),
    actors: [{ issuer: 'https://idp.test', subject: 'bot' }],
    interactive: true,
  } as const
  const read = firstOf(recordedLog([{ caller, server: 'db', tool: 'query', effect: 'deny' }]))
  assert.ok(read.kind === 'call')
  const { recorded } = read
  assert.deepEqual({ ...recorded.caller, ...caller }, recorded.caller)
  assert.deepEqual(
    [recorded.server, recorded.call.method, recorded.call.needs, recorded.effect, recorded.reason],
    ['db', 'tools/call', 'targets', 'deny', 'no_rule'],
  )
  assert.deepEqual(recorded.call.targets, [{ kind: 'tool', name: 'query' }])
})

test('what a call without targets needs is known from its method', () => {
  const needs = (method: string) => {
    const read = firstOf(recordedLog([{ call: plainCall(method) }]))
    return read.kind === 'call' ? read.recorded.call.needs : read.kind
  }
  assert.equal(needs('initialize'), 'connection')
  assert.equal(needs('notifications/cancelled'), 'connection')
  assert.equal(needs('subscriptions/listen'), 'connection')
  assert.equal(needs('sampling/createMessage'), 'method')
  assert.equal(needs('acme/extension'), 'method')
})

test('a request to a route needs its method, whatever page it names', () => {
  const targets = [{ kind: 'resource', name: 'https://mcp.test/ui/a' }] as const
  const read = firstOf(recordedLog([{ call: { ...plainCall('web/ui'), kind: 'route', targets } }]))
  assert.ok(read.kind === 'call')
  assert.deepEqual([read.recorded.call.kind, read.recorded.call.needs], ['route', 'method'])
})

test('outcomes, events and other lines are no calls', () => {
  const [, outcome] = recordedLog([{}]).split('\n')
  for (const line of [outcome!, '', '{', '[]', '{"type":"decision"}', '"type":"decision"']) {
    assert.equal(readRecordedCall(line).kind, 'other', line)
  }
})

test('a decision that does not hold all it was made on cannot be asked again', () => {
  const many = new Set(Array.from({ length: 100 }, (_, at) => `group-${at}`))
  const long = { kind: 'tool', name: 'x'.repeat(600) } as const satisfies Target
  const decision = recordedLog([{}]).split('\n')[0]!
  for (const line of [
    recordedLog([{ caller: { groups: many } }]).split('\n')[0]!,
    recordedLog([{ call: { targets: [long] } }]).split('\n')[0]!,
    decision.replace('"kind":"agent"', '"kind":"robot"'),
    decision.replace('"server":"docs",', ''),
    decision.replace('"effect":"allow"', '"effect":"maybe"'),
  ]) {
    assert.equal(readRecordedCall(line).kind, 'unusable', line)
  }
})

test('what was refused beside the rules, or before they were asked, was not decided by them', () => {
  assert.ok(isByRules({ effect: 'allow', reason: undefined }))
  assert.ok(isByRules({ effect: 'deny', reason: 'no_rule' }))
  for (const reason of ['tool_held', 'undeclared', undefined]) {
    assert.ok(!isByRules({ effect: 'deny', reason }), reason)
  }
})

test('calls that differ in nothing a rule can ask about are counted as one', () => {
  const recorded = createRecordedCalls()
  const task = (id: string) =>
    ({ kind: 'task', name: id, task: { id, tool: 'build' } }) as const satisfies Target
  const log = recordedLog([
    { tool: 'search', times: 3 },
    { tool: 'search', effect: 'deny' },
    { tool: 'read' },
    { call: { method: 'tasks/get', targets: [task('1')] } },
    { call: { method: 'tasks/get', targets: [task('2')] } },
  ])
  for (const line of log.split('\n')) recorded.line(line)
  const { calls, decisions } = recorded.report()
  assert.deepEqual([calls.map(({ count }) => count), decisions], [[3, 1, 1, 2], 7])
  assert.equal(new Set(calls.map(({ caller }) => caller)).size, 1)
  assert.ok(calls[0]!.time < calls[0]!.lastTime)
})
