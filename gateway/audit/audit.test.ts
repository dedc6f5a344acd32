import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { Refusal } from '../model/refusal.ts'
import { Secret } from '../model/secret.ts'
import { endedJourney, judgedCall, refusedJourney, testCall } from '../testkit/journey.ts'
import { createMemoryOutput } from '../testkit/memory-output.ts'
import { type AuditOptions, createAudit } from './audit.ts'
import { verifyAudit } from './verify.ts'

function start(over: Partial<AuditOptions> = {}) {
  const output = createMemoryOutput()
  const clock = { ms: Date.UTC(2026, 10, 23) }
  const audit = createAudit({
    sink: '/nowhere/audit.log',
    mode: 'buffered',
    instance: 'instance-1',
    version: () => 'a1b2c3d4e5f6',
    now: () => clock.ms,
    output,
    ...over,
  })
  const records = (): Record<string, unknown>[] =>
    output.lines().map((line) => JSON.parse(line) as Record<string, unknown>)
  const verify = () => verifyAudit(linesOf(output.lines()))
  return { audit, output, clock, records, verify }
}

async function* linesOf(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

function unavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'audit_unavailable'
}

test('a call gets a decision and an outcome with one id, chained', async () => {
  const { audit, records, verify } = start()
  const journey = endedJourney()
  assert.equal(audit.decision(journey, journey.calls[0]), undefined)
  assert.match(journey.calls[0]?.decision ?? '', /"id":"call-1"/)
  audit.outcome(journey)
  await audit.flush()
  assert.deepEqual(
    records().map(({ type, id, seq }) => ({ type, id, seq })),
    [
      { type: 'decision', id: 'call-1', seq: 1 },
      { type: 'outcome', id: 'call-1', seq: 2 },
    ],
  )
  const report = await verify()
  assert.equal(report.intact, true)
  assert.equal(report.openCount, 0)
})

test('a strict decision resolves only after its write and its sync', async () => {
  const { audit, output } = start({ mode: 'strict' })
  const sync = Promise.withResolvers<void>()
  output.syncing = sync.promise
  const journey = endedJourney()
  let committed = false
  const decision = audit.decision(journey, journey.calls[0])?.then(() => (committed = true))
  await turn()
  await turn()
  assert.equal(output.lines().length, 1)
  assert.equal(committed, false)
  sync.resolve()
  await decision
  assert.equal(committed, true)
})

test('a strict decision that cannot be written is refused, and so is the next one at once', async () => {
  const { audit, output, clock, records, verify } = start({ mode: 'strict' })
  output.writeError = new Error('ENOSPC')
  const journey = endedJourney({ ending: 'refused', refusal: 'audit_unavailable' })
  await assert.rejects(async () => audit.decision(journey, journey.calls[0]), unavailable)
  audit.outcome(journey)
  const next = endedJourney({ id: 'visit-2', calls: [judgedCall({ id: 'call-2' })] })
  assert.throws(() => audit.decision(next, next.calls[0]), unavailable)
  assert.deepEqual([audit.health().ok, audit.health().failures], [false, 1])
  output.writeError = undefined
  clock.ms += 1_000
  audit.tick()
  await audit.flush()
  assert.equal(audit.health().ok, true)
  assert.deepEqual(
    records().map(({ type, id }) => [type, id]),
    [
      ['decision', 'call-1'],
      ['outcome', 'call-1'],
    ],
  )
  assert.equal((await verify()).intact, true)
})

test('a full buffer refuses decisions, and calls that were let through still get their outcome', async () => {
  const { audit, output, records, verify } = start({ maxBuffered: 2 })
  output.writeError = new Error('ENOSPC')
  const journeys = [1, 2, 3].map((n) =>
    endedJourney({ id: `visit-${n}`, calls: [judgedCall({ id: `call-${n}` })] }),
  )
  const [first, second, third] = journeys as [
    (typeof journeys)[0],
    (typeof journeys)[0],
    (typeof journeys)[0],
  ]
  void audit.decision(first, first.calls[0])
  void audit.decision(second, second.calls[0])
  assert.throws(() => audit.decision(third, third.calls[0]), unavailable)
  assert.equal(third.calls[0]?.decision, undefined)
  audit.outcome(first)
  audit.outcome(second)
  output.writeError = undefined
  await audit.flush()
  assert.deepEqual(
    records().map(({ type, id }) => [type, id]),
    [
      ['decision', 'call-1'],
      ['decision', 'call-2'],
      ['outcome', 'call-1'],
      ['outcome', 'call-2'],
    ],
  )
  assert.equal((await verify()).intact, true)
})

test('decisions are refused while the oldest record is older than ten seconds', async () => {
  const { audit, output, clock } = start()
  output.writing = new Promise(() => undefined)
  const journey = endedJourney()
  void audit.decision(journey, journey.calls[0])
  audit.tick()
  clock.ms += 10_000
  const next = endedJourney({ calls: [judgedCall({ id: 'call-2' })] })
  void audit.decision(next, next.calls[0])
  clock.ms += 1
  const last = endedJourney({ calls: [judgedCall({ id: 'call-3' })] })
  assert.throws(() => audit.decision(last, last.calls[0]), unavailable)
  assert.deepEqual([audit.health().ok, audit.health().oldestMs], [false, 10_001])
})

test('what found no place is counted, and the log says so once there is place', async () => {
  const { audit, output, records, verify } = start({ maxBuffered: 1 })
  output.writeError = new Error('ENOSPC')
  audit.event({ type: 'token_refused', reason: 'expired' })
  audit.event({ type: 'token_refused', reason: 'expired' })
  audit.outcome(refusedJourney())
  assert.equal(audit.health().lost, 3)
  output.writeError = undefined
  await audit.flush()
  audit.tick()
  await audit.flush()
  audit.tick()
  await audit.flush()
  const told = records().filter(({ event }) => event === 'records_lost')
  assert.deepEqual(
    told.map(({ type, count }) => ({ type, count })),
    [{ type: 'lifecycle', count: 3 }],
  )
  assert.equal((await verify()).intact, true)
})

test('a denied call gets both records although nobody asked for its decision', async () => {
  const { audit, records } = start()
  const call = judgedCall({ effect: 'deny', rule: undefined, reason: 'no_rule' })
  audit.outcome(endedJourney({ calls: [call], ending: 'refused', refusal: 'policy_denied' }))
  await audit.flush()
  assert.deepEqual(
    records().map(({ type, effect, reason, outcome, refusal }) => [
      type,
      effect,
      reason,
      outcome,
      refusal,
    ]),
    [
      ['decision', 'deny', 'no_rule', undefined, undefined],
      ['outcome', 'deny', 'no_rule', 'refused', 'policy_denied'],
    ],
  )
})

test('a visit that was refused before there was a call gets both records, once', async () => {
  const { audit, records } = start()
  const told = refusedJourney({ id: 'visit-1' })
  void audit.decision(told, undefined)
  audit.outcome(told)
  audit.outcome(refusedJourney({ id: 'visit-2' }))
  await audit.flush()
  assert.deepEqual(
    records().map(({ type, id, effect }) => [type, id, effect]),
    [
      ['decision', 'visit-1', 'deny'],
      ['outcome', 'visit-1', 'deny'],
      ['decision', 'visit-2', 'deny'],
      ['outcome', 'visit-2', 'deny'],
    ],
  )
})

test('every call of a batch gets its two records', async () => {
  const { audit, verify } = start()
  const calls = ['a', 'b', 'c'].map((id) => judgedCall({ id }))
  const journey = endedJourney({ calls })
  for (const call of calls) void audit.decision(journey, call)
  audit.outcome(journey)
  await audit.flush()
  const report = await verify()
  assert.deepEqual([report.decisions, report.outcomes, report.openCount], [3, 3, 0])
})

test('an outcome says the rule of its decision even when the call has been judged anew since', async () => {
  const { audit, records } = start()
  const journey = endedJourney()
  void audit.decision(journey, journey.calls[0])
  journey.calls[0]!.rule = 'another'
  audit.outcome(journey)
  await audit.flush()
  assert.deepEqual(
    records().map(({ rule }) => rule),
    ['readers', 'readers'],
  )
})

test('a call names the configuration it was decided by, which a stream may have outlived', async () => {
  const { audit, records } = start()
  const calls = [judgedCall({ config: 'newer' }), judgedCall({ id: 'call-2' })]
  audit.outcome(endedJourney({ config: 'older', calls }))
  await audit.flush()
  assert.deepEqual(
    records().map(({ config }) => config),
    ['newer', 'newer', 'older', 'older'],
  )
})

const INJECTIONS = [
  ['a record after a newline', 'x\n{"time":"2026","type":"decision","effect":"allow"}'],
  ['ANSI colours', '\u001b[32mallow'],
  ['NUL', 'a\u0000b'],
  ['a mebibyte', 'x'.repeat(1024 * 1024)],
] as const

for (const [what, name] of INJECTIONS) {
  test(`a name with ${what} makes one short line per record and no other`, async () => {
    const { audit, output, verify } = start()
    const call = testCall({ method: name, targets: [{ kind: 'tool', name }] })
    const journey = endedJourney({ calls: [judgedCall({ call })], detail: name })
    void audit.decision(journey, journey.calls[0])
    audit.outcome(journey)
    await audit.flush()
    assert.equal(output.lines().length, 2)
    assert.ok(output.lines().every((line) => line.length < 8_192 && !/\p{Cc}/u.test(line)))
    assert.equal((await verify()).intact, true)
  })
}

test('a secret that strays into what is recorded is not written', async () => {
  const { audit, output } = start()
  const secret = new Secret('hunter2-hunter2')
  const stray = secret as unknown as string
  audit.event({ type: 'warning', what: 'x', detail: stray })
  audit.event({ type: 'admin', by: stray, action: String(secret), ok: true })
  const journey = endedJourney({ detail: String(secret) })
  audit.outcome(journey)
  await audit.flush()
  const text = output.files().join('')
  assert.match(text, /\[redacted\]/)
  assert.doesNotMatch(text, /hunter2/)
})

test('the last record of a log closed in order vouches for all before it', async () => {
  const { audit, output, verify } = start()
  audit.outcome(endedJourney())
  await audit.flush()
  assert.equal((await verify()).instances[0]?.closed, false)
  await audit.close()
  const report = await verify()
  assert.deepEqual([report.intact, report.instances[0]?.closed], [true, true])
  const edited = output.lines().map((line, at) => (at === 1 ? line.replace('"ms"', '"us"') : line))
  assert.equal((await verifyAudit(linesOf(edited))).breaks[0]?.kind, 'changed')
  const cut = await verifyAudit(linesOf(output.lines().slice(0, -1)))
  assert.deepEqual([cut.intact, cut.instances[0]?.closed], [true, false])
})

test('closing writes what waits, and says when it could not', async () => {
  const { audit, output } = start()
  audit.event({ type: 'stopping', version: '1.2.3' })
  await audit.close()
  assert.deepEqual(
    output.lines().map((line) => JSON.parse(line).event),
    ['stopping', 'log_closed'],
  )
  const failing = start()
  failing.output.writeError = new Error('ENOSPC')
  failing.audit.event({ type: 'stopping', version: '1.2.3' })
  await assert.rejects(failing.audit.close(), /1 records waiting.*ENOSPC/)
})

test('a sink that cannot be opened is named, with what to do', async () => {
  const { audit, output } = start()
  output.openError = new Error('EACCES: permission denied')
  await assert.rejects(
    audit.open(),
    /audit\.sink: cannot open \/nowhere\/audit\.log: EACCES.*; name/,
  )
})
