/** Visits as they look when they have ended, for the tests of what is made from them. */
import type { Call } from '../model/call.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import { newJourney } from '../server/new-journey.ts'
import { testCaller } from './pipeline.ts'

/** An allowed `tools/call` of `search`. */
export function testCall(over: Partial<Call> = {}): Call {
  return {
    direction: 'up',
    kind: 'request',
    era: 'legacy',
    version: '2025-11-25',
    method: 'tools/call',
    needs: 'targets',
    targets: [{ kind: 'tool', name: 'search' }],
    id: '7',
    arguments: undefined,
    spans: {},
    ...over,
  }
}

export function judgedCall(over: Partial<JourneyCall> = {}): JourneyCall {
  return {
    id: 'call-1',
    call: testCall(),
    effect: 'allow',
    rule: 'readers',
    reason: undefined,
    shadow: undefined,
    decisionPoint: undefined,
    dropped: [],
    label: 'search',
    config: undefined,
    decision: undefined,
    ...over,
  }
}

/** A visit with one allowed call that the server answered. */
export function endedJourney(over: Partial<Journey> = {}): Journey {
  const empty = newJourney({
    id: 'visit-1',
    nowMs: Date.UTC(2026, 0, 2),
    tick: 0,
    httpMethod: 'POST',
    address: '192.0.2.1',
    config: undefined,
  })
  return {
    ...empty,
    server: 'docs',
    caller: testCaller(),
    calls: [judgedCall()],
    spentMs: {
      route: 0.01,
      authenticate: 0.02,
      judge: 0.03,
      record: 0.01,
      swap: 0.01,
      upstream: 9,
    },
    status: 200,
    upstreamStatus: 200,
    attempts: 1,
    bytesIn: 240,
    bytesOut: 1024,
    durationMs: 10.5,
    ...over,
  }
}

/** A visit that was refused before there was a call. */
export function refusedJourney(over: Partial<Journey> = {}): Journey {
  return endedJourney({
    caller: undefined,
    calls: [],
    refusal: 'unauthenticated',
    ending: 'refused',
    status: 401,
    upstreamStatus: 0,
    attempts: 0,
    spentMs: { route: 0.01, authenticate: 0.02, judge: 0, record: 0, swap: 0, upstream: 0 },
    ...over,
  })
}
