import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Journey, JourneyCall } from '../model/journey.ts'
import { outcomeOf } from '../model/outcome.ts'
import { endedJourney, judgedCall, refusedJourney, testCall } from '../testkit/journey.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { contextIn, createRecords } from './record.ts'
import { cut } from './text.ts'

const NOW = Date.UTC(2026, 10, 23, 8, 30, 0, 7)
const records = createRecords({ now: () => NOW, version: () => 'a1b2c3d4e5f6' })

function parsed(fields: string): Record<string, unknown> {
  return JSON.parse(`${fields}}`) as Record<string, unknown>
}

function known(text: string | undefined): string | undefined {
  return text === '' || text === undefined ? undefined : cut(text)
}

function targets(list: JourneyCall['dropped']): unknown {
  return list.length === 0 ? undefined : list.map(({ kind, name }) => ({ kind, name: cut(name) }))
}

/** The same records made the plain way: an object, and `JSON.stringify`. */
function reference(type: 'decision' | 'outcome', journey: Journey, call: JourneyCall): string {
  const { caller } = journey
  const ended = {
    outcome: outcomeOf(journey, call),
    refusal: journey.refusal,
    detail: known(journey.detail),
    status: journey.status === 0 ? undefined : journey.status,
    rpc_error: journey.rpcError,
    upstream_status: journey.upstreamStatus === 0 ? undefined : journey.upstreamStatus,
    attempts: journey.attempts,
    ms: Math.round(journey.durationMs * 1000) / 1000,
    bytes_in: journey.bytesIn,
    bytes_out: journey.bytesOut,
  }
  const record = {
    time: new Date(NOW).toISOString(),
    type,
    id: cut(call.id),
    visit: cut(journey.id),
    trace: known(journey.traceId),
    caller:
      caller === undefined
        ? undefined
        : {
            tenant: cut(caller.tenant),
            issuer: cut(caller.issuer),
            subject: cut(caller.subject),
            client: known(caller.client),
            kind: caller.kind,
            via: caller.via,
            actors: caller.actors.length === 0 ? undefined : caller.actors,
          },
    address: known(journey.address),
    server: known(journey.server),
    version: known(call.call.version),
    method: known(call.call.method),
    kind: call.call.kind,
    direction: call.call.direction === 'down' ? 'down' : undefined,
    targets: targets(call.call.targets),
    dropped: targets(call.dropped),
    effect: call.effect,
    rule: known(call.rule),
    reason: known(call.reason),
    decision_point: call.decisionPoint,
    credential: known(call.credential),
    config: 'a1b2c3d4e5f6',
    ...(type === 'outcome' ? ended : {}),
  }
  const escaped = JSON.stringify(record).replaceAll(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return escaped.slice(0, -1)
}

/** Any UTF-16 text at all, unpaired surrogates and controls included. */
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.constant('é'.repeat(600)),
)
const anyTarget = fc.record({
  kind: fc.constantFrom('tool', 'prompt', 'resource', 'template', 'task'),
  name: anyText,
})
const anyCall = fc
  .record({
    id: anyText,
    direction: fc.constantFrom('up', 'down'),
    kind: fc.constantFrom('request', 'notification', 'response', 'open_stream', 'end_session'),
    version: anyText,
    method: anyText,
    targets: fc.array(anyTarget, { maxLength: 3 }),
    dropped: fc.array(anyTarget, { maxLength: 2 }),
    effect: fc.constantFrom('allow', 'deny'),
    rule: fc.option(anyText, { nil: undefined }),
    reason: fc.constantFrom('no_rule', 'unlisted', undefined),
    decisionPoint: fc.constantFrom('allow', 'deny', 'error', undefined),
    credential: fc.option(anyText, { nil: undefined }),
  })
  .map(({ direction, kind, version, method, targets, ...rest }) =>
    judgedCall({ ...rest, call: testCall({ direction, kind, version, method, targets }) }),
  )
const anyJourney = fc.record({
  id: anyText,
  address: anyText,
  traceId: fc.option(anyText, { nil: undefined }),
  server: fc.option(anyText, { nil: undefined }),
  caller: fc.option(
    fc.record({ subject: anyText, client: anyText }).map((over) => testCaller(over)),
    { nil: undefined },
  ),
  detail: fc.option(anyText, { nil: undefined }),
  refusal: fc.constantFrom(undefined, 'policy_denied', 'rate_limited'),
  ending: fc.constantFrom('complete', 'refused', 'client_gone', 'upstream_failed', 'revoked'),
  status: fc.constantFrom(0, 200, 502),
  upstreamStatus: fc.constantFrom(0, 200, 404),
  rpcError: fc.option(fc.integer(), { nil: undefined }),
  durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  bytesIn: fc.maxSafeNat(),
  bytesOut: fc.maxSafeNat(),
})

test('both records of a call equal JSON.stringify of the same object, whatever is in it', () => {
  fc.assert(
    fc.property(anyJourney, anyCall, (over, call) => {
      const journey = endedJourney({ ...over, calls: [call] })
      const decision = records.decision(journey, call)
      assert.equal(decision, reference('decision', journey, call))
      assert.equal(records.outcome(journey, call, undefined), reference('outcome', journey, call))
      assert.doesNotMatch(decision, /[\p{Cc}\u2028-\u202e]/u)
    }),
    { seed: 20261123, numRuns: 500 },
  )
})

test('an outcome repeats what its decision said', () => {
  const journey = endedJourney()
  const [call] = journey.calls
  const fields = records.decision(journey, call)
  const context = contextIn(`${fields},"instance":"a","seq":1,"prev":""}`, fields)
  assert.equal(records.outcome(journey, call, context), records.outcome(journey, call, undefined))
})

test('a visit that was refused before there was a call is denied with its refusal as the reason', () => {
  const journey = refusedJourney()
  const decision = parsed(records.decision(journey, undefined))
  assert.deepEqual(
    [decision['id'], decision['effect'], decision['reason'], decision['method']],
    ['visit-1', 'deny', 'unauthenticated', undefined],
  )
  const outcome = parsed(records.outcome(journey, undefined, undefined))
  assert.deepEqual([outcome['outcome'], outcome['refusal']], ['refused', 'unauthenticated'])
})

test('a visit that broke off before there was a call is not called allowed', () => {
  const journey = refusedJourney({ refusal: undefined, ending: 'client_gone', status: 0 })
  const decision = parsed(records.decision(journey, undefined))
  assert.deepEqual([decision['effect'], decision['reason']], ['deny', 'client_gone'])
})

test('the version a visit was judged by stands in its records, not the one loaded since', () => {
  const journey = endedJourney({ config: '0123456789ab' })
  assert.equal(parsed(records.decision(journey, journey.calls[0]))['config'], '0123456789ab')
})

test('the trace of the caller is named when we record none of our own', () => {
  const trace = { traceId: 'abc', parentId: 'def', sampled: false, state: undefined }
  const journey = endedJourney({ trace })
  assert.equal(parsed(records.decision(journey, journey.calls[0]))['trace'], 'abc')
})

test('the chain of actors is recorded', () => {
  const actors = [{ issuer: 'https://idp.test', subject: 'bot' }]
  const journey = endedJourney({ caller: testCaller({ actors }) })
  const caller = parsed(records.decision(journey, journey.calls[0]))['caller'] as object
  assert.deepEqual((caller as { actors: unknown }).actors, actors)
})

test('a token answered from the cache is not recorded, a verified one is', () => {
  const event = { type: 'token_verified', issuer: 'https://idp.test', kind: 'agent' } as const
  assert.equal(records.event({ ...event, cached: true }), undefined)
  assert.deepEqual(parsed(records.event({ ...event, cached: false }) ?? ''), {
    time: '2026-11-23T08:30:00.007Z',
    type: 'token',
    event: 'token_verified',
    issuer: 'https://idp.test',
    kind: 'agent',
    config: 'a1b2c3d4e5f6',
  })
})

test('an event is one line whatever its texts hold', () => {
  const fields = records.event({ type: 'warning', what: 'x', detail: 'a\nb\u001b[2J' }) ?? ''
  assert.match(fields, /^[ -~]+$/)
})

test('a decision says the groups and scopes of its caller, and its outcome does not repeat them', () => {
  const caller = testCaller({
    groups: new Set(['b', 'a']),
    scopes: new Set(['docs:read']),
    interactive: true,
  })
  const journey = endedJourney({ caller })
  assert.equal(
    records.basis(journey),
    ',"groups":["a","b"],"scopes":["docs:read"],"interactive":true',
  )
  const [call] = journey.calls
  const fields = records.decision(journey, call)
  const line = `${fields}${records.basis(journey)},"instance":"a","seq":1}`
  const outcome = records.outcome(journey, call, contextIn(line, fields))
  assert.equal(parsed(outcome)['groups'], undefined)
})

test('what a caller has many of is bounded, and what is left out is counted', () => {
  const many = new Set(Array.from({ length: 200 }, (_, at) => `group-${at}`))
  const long = new Set(['x'.repeat(2_000), 'y'.repeat(100)])
  const caller = testCaller({ groups: many, scopes: long })
  const basis = parsed(`{"a":1${records.basis(endedJourney({ caller }))}`)
  assert.deepEqual([basis['groups_left_out'], basis['scopes_left_out']], [136, 1])
  assert.equal((basis['groups'] as readonly string[]).length, 64)
})

test('groups and scopes are not recorded where they are not to be', () => {
  const silent = createRecords({ now: () => NOW, version: () => 'v', recordGroups: false })
  const caller = testCaller({ groups: new Set(['a']), scopes: new Set(['b']) })
  assert.equal(silent.basis(endedJourney({ caller })), '')
  assert.equal(records.basis(refusedJourney()), '')
})

test('of a task the tool that made it is recorded', () => {
  const targets = [{ kind: 'task', name: 't-1', task: { id: '7', tool: 'build' } }] as const
  const call = judgedCall({ call: testCall({ method: 'tasks/get', targets }) })
  const decision = parsed(records.decision(endedJourney({ calls: [call] }), call))
  assert.deepEqual(decision['targets'], [{ kind: 'task', name: 't-1', tool: 'build' }])
})

test('arguments stand in the decision alone, as JSON text in one line', () => {
  const sent = '{"text":"a\\nb","odd":"\u009b2J"}'
  const call = judgedCall({ recordedArguments: sent })
  const journey = endedJourney({ calls: [call] })
  const fields = records.decision(journey, call)
  const basis = records.basis(journey, call)
  assert.match(basis, /^[ -~]+$/)
  const line = `${fields}${basis},"instance":"a","seq":1}`
  assert.equal(JSON.parse(line).arguments, sent)
  assert.equal(
    parsed(records.outcome(journey, call, contextIn(line, fields)))['arguments'],
    undefined,
  )
  assert.equal(records.basis(journey, judgedCall()), records.basis(journey))
})

test('arguments above 4,096 characters are cut, and their length and hash remain', () => {
  const of = (length: number): unknown => {
    const call = judgedCall({ recordedArguments: 'x'.repeat(length) })
    return JSON.parse(`{"a":1${records.basis(endedJourney({ calls: [call] }), call)}}`).arguments
  }
  assert.equal(of(4_096), 'x'.repeat(4_096))
  assert.match(String(of(4_097)), /^x{4096}…\(4097 chars, sha256 [\w-]{43}\)$/)
})
