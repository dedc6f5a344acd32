import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endedJourney, judgedCall, refusedJourney, testCall } from '../testkit/journey.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { createRecentCalls, LOOKS_PER_SECOND, MAX_RECENT_CALLS } from './recent-calls.ts'

function visit(tool: string, startedTick: number) {
  const call = judgedCall({ call: testCall({ targets: [{ kind: 'tool', name: tool }] }) })
  return endedJourney({ calls: [call], startedTick, durationMs: 1 })
}

function tools(recent: ReturnType<typeof createRecentCalls>): readonly (string | undefined)[] {
  return recent.calls().map(({ call }) => call.targets[0]?.name)
}

test('a call is remembered once however often it is made, and the latest stands last', () => {
  const recent = createRecentCalls()
  for (const [at, tool] of ['read', 'write', 'read'].entries()) recent.note(visit(tool, at * 100))
  assert.deepEqual(tools(recent), ['write', 'read'])
})

test('of the visits of a second only the first are looked at', () => {
  const recent = createRecentCalls()
  for (let at = 0; at < 2 * LOOKS_PER_SECOND; at += 1) recent.note(visit(`tool-${at}`, at))
  assert.equal(recent.calls().length, LOOKS_PER_SECOND)
  recent.note(visit('later', 1_000))
  assert.equal(tools(recent).at(-1), 'later')
})

test('what is remembered is bounded, and the oldest goes', () => {
  const recent = createRecentCalls()
  for (let at = 0; at <= MAX_RECENT_CALLS; at += 1) recent.note(visit(`tool-${at}`, at * 100))
  assert.equal(recent.calls().length, MAX_RECENT_CALLS)
  assert.equal(tools(recent)[0], 'tool-1')
})

test('visits without a caller or a call are not remembered, and neither are frames', () => {
  const recent = createRecentCalls()
  recent.note(refusedJourney())
  recent.note(endedJourney({ calls: [], startedTick: 100 }))
  assert.deepEqual(recent.calls(), [])
  const call = testCall({ arguments: { start: 1, end: 9 }, spans: { id: { start: 1, end: 2 } } })
  const caller = testCaller()
  recent.note(endedJourney({ caller, calls: [judgedCall({ call })], startedTick: 200 }))
  const [asked] = recent.calls()
  assert.deepEqual([asked?.call.arguments, asked?.call.spans], [undefined, {}])
})
