import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { GatehouseEvent } from '../model/event.ts'
import type { Journey } from '../model/journey.ts'
import { endedJourney, judgedCall, refusedJourney, testCall } from '../testkit/journey.ts'
import { testCaller } from '../testkit/pipeline.ts'
import { CREW_METRICS } from './crew-metrics.ts'
import { type Definition, LATENCY_SECONDS, METRICS, OVERHEAD_SECONDS } from './definitions.ts'
import { createMetrics, type MetricsOptions } from './metrics.ts'

const NOW = Date.UTC(2026, 10, 23)

function start(over: Partial<MetricsOptions> = {}) {
  const metrics = createMetrics({ version: '1.2.3', now: () => NOW, ...over })
  const text = async (): Promise<string> => (await metrics.render()).text
  const lines = async (name: string): Promise<readonly string[]> =>
    (await text())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  const after = async (name: string, ...journeys: Journey[]): Promise<readonly string[]> => {
    for (const journey of journeys) metrics.journey(journey)
    return lines(name)
  }
  const told = async (name: string, ...events: GatehouseEvent[]): Promise<readonly string[]> => {
    for (const event of events) metrics.event(event)
    return lines(name)
  }
  return { metrics, text, lines, after, told }
}

/** Series of our own: process metrics depend on the machine. */
async function seriesOf(text: Promise<string>): Promise<readonly string[]> {
  return (await text).split('\n').filter((line) => line.startsWith('gatehouse_'))
}

test('a call is counted by server, method, outcome and kind of caller', async () => {
  assert.deepEqual(
    await start().after('gatehouse_requests_total', endedJourney(), endedJourney()),
    ['gatehouse_requests_total{server="docs",method="tools/call",outcome="ok",kind="agent"} 2'],
  )
})

test('a visit without a call is counted too, and its refusal by code', async () => {
  const { after, lines } = start()
  const visit = refusedJourney({ server: undefined, refusal: 'not_found' })
  assert.deepEqual(await after('gatehouse_requests_total', visit), [
    'gatehouse_requests_total{server="none",method="none",outcome="refused",kind="none"} 1',
  ])
  assert.deepEqual(await lines('gatehouse_refusals_total'), [
    'gatehouse_refusals_total{server="none",code="not_found"} 1',
  ])
})

test('an answer that is an error is no success', async () => {
  const journeys = [
    endedJourney({ rpcError: -32000 }),
    endedJourney({ upstreamStatus: 500 }),
    endedJourney({ ending: 'upstream_failed' }),
  ]
  assert.deepEqual(await start().after('gatehouse_tool_calls_total', ...journeys), [
    'gatehouse_tool_calls_total{server="docs",tool="search",outcome="error"} 2',
    'gatehouse_tool_calls_total{server="docs",tool="search",outcome="upstream_failed"} 1',
  ])
})

test('decisions are counted by rule, and denials by reason', async () => {
  const { after, lines } = start()
  const denied = judgedCall({ effect: 'deny', rule: undefined, reason: 'no_rule' })
  const journey = endedJourney({ calls: [denied, judgedCall()], ending: 'refused' })
  assert.deepEqual(await after('gatehouse_decisions_total', journey), [
    'gatehouse_decisions_total{server="docs",effect="deny",rule="none"} 1',
    'gatehouse_decisions_total{server="docs",effect="allow",rule="readers"} 1',
  ])
  assert.deepEqual(await lines('gatehouse_denials_total'), [
    'gatehouse_denials_total{server="docs",reason="no_rule"} 1',
  ])
})

test('a frame that is no request is named by its kind', async () => {
  const call = judgedCall({ call: testCall({ kind: 'open_stream', method: '' }) })
  assert.deepEqual(
    await start().after('gatehouse_requests_total', endedJourney({ calls: [call] })),
    ['gatehouse_requests_total{server="docs",method="open_stream",outcome="ok",kind="agent"} 1'],
  )
})

test('overhead is the time of the stages that were reached, and never that of the server', async () => {
  const { after } = start()
  const spentMs = { route: 0.5, authenticate: 1.5, judge: 0, record: 0, swap: 0, upstream: 500 }
  const journey = endedJourney({ spentMs })
  const sums = await after('gatehouse_overhead_seconds_sum', journey)
  assert.ok(sums.includes('gatehouse_overhead_seconds_sum{stage="total"} 0.002'))
  const counts = await after('gatehouse_overhead_seconds_count')
  assert.ok(counts.includes('gatehouse_overhead_seconds_count{stage="authenticate"} 1'))
  assert.ok(counts.includes('gatehouse_overhead_seconds_count{stage="judge"} 0'))
})

test('latencies are those of calls that went up, in seconds', async () => {
  const { after, lines } = start()
  const refused = endedJourney({ attempts: 0, ending: 'refused' })
  assert.deepEqual(
    await after('gatehouse_tool_call_duration_seconds_sum', endedJourney(), refused),
    ['gatehouse_tool_call_duration_seconds_sum{server="docs",tool="search"} 0.0105'],
  )
  assert.deepEqual(await lines('gatehouse_upstream_duration_seconds_count'), [
    'gatehouse_upstream_duration_seconds_count{server="docs"} 1',
  ])
})

test('ten thousand methods, tools, paths, clients and addresses add no more than a hundred series', async () => {
  const { metrics, text } = start()
  metrics.journey(endedJourney())
  const before = (await seriesOf(text())).length
  for (let at = 0; at < 10_000; at += 1) {
    const name = `made-up-${at}`
    const call = testCall({ method: name, targets: [{ kind: 'tool', name }], version: name })
    const tool = testCall({ targets: [{ kind: 'tool', name }] })
    const caller = testCaller({ subject: name, client: name, issuer: name })
    metrics.journey(endedJourney({ calls: [judgedCall({ call, label: 'other' })], caller }))
    metrics.journey(
      endedJourney({ calls: [judgedCall({ call: tool, label: 'other' })], caller, address: name }),
    )
    metrics.journey(refusedJourney({ server: undefined, detail: name }))
  }
  const after = await seriesOf(text())
  assert.ok(after.length - before <= 100, `${after.length - before} series`)
  assert.doesNotMatch(after.join('\n'), /made-up/)
})

test('a server that lists tools without end gets a bounded number of series', async () => {
  const { after } = start({ maxLabelValues: 3 })
  const journeys = ['a', 'b', 'c', 'd', 'e', 'a'].map((label) =>
    endedJourney({ calls: [judgedCall({ label })] }),
  )
  const lines = await after('gatehouse_tool_calls_total', ...journeys)
  assert.deepEqual(
    lines.map((line) => line.replace(/.*tool="(\w+)".* (\d+)$/, '$1 $2')),
    ['a 2', 'b 1', 'c 1', 'other 2'],
  )
})

test('subjects, clients and resource URIs are in no label', async () => {
  const { metrics, text } = start()
  const uri = 'file:///home/alice/secret.txt'
  const call = testCall({ method: 'resources/read', targets: [{ kind: 'resource', name: uri }] })
  const caller = testCaller({ subject: 'alice@example.com', client: 'client-77' })
  metrics.journey(endedJourney({ caller, calls: [judgedCall({ call, label: 'other' })] }))
  metrics.event({ type: 'revoked', by: 'root-op', kind: 'subject', value: 'alice', issuer: 'i' })
  assert.doesNotMatch(await text(), /alice|client-77|secret\.txt|root-op/)
})

test('tokens are counted by issuer and kind, refusals by reason', async () => {
  const { told, lines } = start()
  const verified = { type: 'token_verified', issuer: 'https://idp.test', kind: 'human' } as const
  assert.deepEqual(
    await told(
      'gatehouse_tokens_verified_total',
      { ...verified, cached: true },
      { ...verified, cached: false },
      { ...verified, cached: true },
    ),
    [
      'gatehouse_tokens_verified_total{issuer="https://idp.test",kind="human",cached="no"} 1',
      'gatehouse_tokens_verified_total{issuer="https://idp.test",kind="human",cached="yes"} 2',
    ],
  )
  await told('', { type: 'token_refused', reason: 'expired' })
  assert.deepEqual(await lines('gatehouse_tokens_refused_total'), [
    'gatehouse_tokens_refused_total{reason="expired"} 1',
  ])
})

test('counts go on from one scrape to the next', async () => {
  const { told, after } = start()
  const seen = {
    type: 'token_verified',
    issuer: 'https://idp.test',
    kind: 'human',
    cached: true,
  } as const
  await told('gatehouse_tokens_verified_total', seen)
  assert.deepEqual(await told('gatehouse_tokens_verified_total', seen, seen), [
    'gatehouse_tokens_verified_total{issuer="https://idp.test",kind="human",cached="yes"} 3',
  ])
  await after('gatehouse_requests_total', endedJourney())
  assert.deepEqual(await after('gatehouse_requests_total', endedJourney(), endedJourney()), [
    'gatehouse_requests_total{server="docs",method="tools/call",outcome="ok",kind="agent"} 3',
  ])
})

test('a flood of made-up method names is counted as one, and nothing is lost', async () => {
  const { after } = start()
  const journeys = Array.from({ length: 12_000 }, (_, at) =>
    endedJourney({ calls: [judgedCall({ call: testCall({ method: `x/${at}` }) })] }),
  )
  assert.deepEqual(await after('gatehouse_requests_total', ...journeys), [
    'gatehouse_requests_total{server="docs",method="other",outcome="ok",kind="agent"} 12000',
  ])
})

test('every other event has its counter', async () => {
  const { told, lines } = start()
  await told(
    '',
    { type: 'jwks_fetched', issuer: 'https://idp.test', ok: false },
    { type: 'jwks_fetched', issuer: 'https://idp.test', ok: false, shared: true },
    { type: 'session_opened', server: 'docs', callerKind: 'agent' },
    { type: 'session_ended', server: 'docs', callerKind: 'agent' },
    { type: 'revoked', by: 'a', kind: 'grant', value: 'g', issuer: undefined },
    { type: 'revocation_lifted', by: 'a', kind: 'grant', value: 'g', issuer: undefined },
    { type: 'admin', by: 'a', action: 'reload', ok: true },
    { type: 'tool_changed', server: 'docs', tool: 't', definition: 'h', was: 'g', held: true },
    { type: 'tool_variant', server: 'docs', tool: 't', definition: 'h' },
    { type: 'tool_accepted', by: 'b', server: 'docs', tool: 't', definition: 'h' },
    { type: 'warning', what: 'clock', detail: 'd' },
    { type: 'stopping', version: '1.2.3' },
  )
  const counted = [
    ['gatehouse_key_fetches_total', '{issuer="https://idp.test",result="failed"} 1'],
    ['gatehouse_sessions_opened_total', '{server="docs",kind="agent"} 1'],
    ['gatehouse_sessions_ended_total', '{server="docs",kind="agent"} 1'],
    ['gatehouse_revocations_total', '{kind="grant",action="made"} 1'],
    ['gatehouse_revocations_total', '{kind="grant",action="lifted"} 1'],
    ['gatehouse_admin_actions_total', '{action="reload",result="ok"} 1'],
    ['gatehouse_tool_definitions_total', '{server="docs",change="changed"} 1'],
    ['gatehouse_tool_definitions_total', '{server="docs",change="variant"} 1'],
    ['gatehouse_tool_definitions_total', '{server="docs",change="accepted"} 1'],
    ['gatehouse_warnings_total', '{what="clock"} 1'],
  ] as const
  for (const [name, rest] of counted) assert.ok((await lines(name)).includes(name + rest), name)
})

test('only a reload that succeeded moves the time of the last one', async () => {
  const { told, lines } = start()
  const failed = { type: 'reload', ok: false, version: 'a' } as const
  assert.deepEqual(await told('gatehouse_last_reload_success_timestamp_seconds', failed), [
    'gatehouse_last_reload_success_timestamp_seconds 0',
  ])
  assert.deepEqual(
    await told('gatehouse_last_reload_success_timestamp_seconds', { ...failed, ok: true }),
    [`gatehouse_last_reload_success_timestamp_seconds ${NOW / 1000}`],
  )
  assert.equal((await lines('gatehouse_reloads_total')).length, 2)
})

test('what is open and what waits is read when somebody scrapes', async () => {
  const { metrics, lines } = start()
  let streams = [{ server: 'docs', kind: 'get', open: 2 }]
  const audit = { ok: true, buffered: 5, oldestMs: 1500, failures: 3, lost: 1 }
  const accounts = [
    { provider: 'google', state: 'live', count: 2 },
    { provider: 'google', state: 'dead', count: 1 },
  ]
  const connected = () => accounts
  metrics.observeOpen({
    streams: () => streams,
    connections: () => 7,
    audit: () => audit,
    connected,
  })
  assert.deepEqual(await lines('gatehouse_connections'), [
    'gatehouse_connections{provider="google",state="live"} 2',
    'gatehouse_connections{provider="google",state="dead"} 1',
  ])
  assert.deepEqual(await lines('gatehouse_streams_open'), [
    'gatehouse_streams_open{server="docs",kind="get"} 2',
  ])
  streams = []
  assert.deepEqual(await lines('gatehouse_streams_open'), [])
  assert.deepEqual(await lines('gatehouse_connections_open'), ['gatehouse_connections_open 7'])
  assert.deepEqual(await lines('gatehouse_audit_accepting'), ['gatehouse_audit_accepting 1'])
  assert.deepEqual(await lines('gatehouse_audit_buffered_records'), [
    'gatehouse_audit_buffered_records 5',
  ])
  assert.deepEqual(await lines('gatehouse_audit_oldest_seconds'), [
    'gatehouse_audit_oldest_seconds 1.5',
  ])
  assert.deepEqual(await lines('gatehouse_audit_write_failures_total'), [
    'gatehouse_audit_write_failures_total 3',
  ])
  assert.deepEqual(await lines('gatehouse_audit_lost_records_total'), [
    'gatehouse_audit_lost_records_total 1',
  ])
})

const LOAD = {
  pressure: { sheds: 'streams' },
  usage: { loopDelayMs: 20, heap: 0.5, memory: 0, descriptors: 0.25 },
} as const

const SHARED = {
  health: { processes: 3 },
  counts: { granted: 5, refused: 2, failed: 1, alone: 4 },
}

test('how busy the process is and how limits are shared is read when somebody scrapes', async () => {
  const { metrics, lines } = start()
  metrics.observeOpen({ load: () => LOAD, sharedLimits: () => SHARED })
  assert.deepEqual(await lines('gatehouse_overload'), ['gatehouse_overload 1'])
  assert.deepEqual(await lines('gatehouse_event_loop_delay_seconds'), [
    'gatehouse_event_loop_delay_seconds 0.02',
  ])
  assert.deepEqual(await lines('gatehouse_resource_used_ratio'), [
    'gatehouse_resource_used_ratio{resource="heap"} 0.5',
    'gatehouse_resource_used_ratio{resource="memory"} 0',
    'gatehouse_resource_used_ratio{resource="descriptors"} 0.25',
  ])
  assert.deepEqual(await lines('gatehouse_shared_limit_draws_total'), [
    'gatehouse_shared_limit_draws_total{result="granted"} 5',
    'gatehouse_shared_limit_draws_total{result="refused"} 2',
    'gatehouse_shared_limit_draws_total{result="failed"} 1',
  ])
  assert.deepEqual(await lines('gatehouse_shared_limit_alone_total'), [
    'gatehouse_shared_limit_alone_total 4',
  ])
  assert.deepEqual(await lines('gatehouse_shared_limit_processes'), [
    'gatehouse_shared_limit_processes 3',
  ])
})

test('two gateways in one process count apart', async () => {
  const [one, other] = [start(), start()]
  one.metrics.journey(endedJourney())
  assert.deepEqual(await other.lines('gatehouse_requests_total'), [])
})

test('the answer to a scrape is the text format, with the process and the build in it', async () => {
  const { metrics, lines } = start()
  const { contentType, text } = await metrics.render()
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8')
  assert.match(text, /^process_cpu_seconds_total \d/m)
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds \d/m)
  assert.deepEqual(await lines('gatehouse_build_info'), [
    `gatehouse_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
  ])
})

test('every metric of the table is there, under its own type', async () => {
  const { metrics, text } = start()
  metrics.observeOpen({
    streams: () => [],
    connections: () => 0,
    audit: () => ({ ok: true, buffered: 0, oldestMs: 0, failures: 0, lost: 0 }),
    eras: () => [],
    connected: () => [],
    load: () => LOAD,
    sharedLimits: () => SHARED,
  })
  const declared = (await text()).match(/^# TYPE gatehouse_\w+ \w+/gm)?.toSorted()
  const table = Object.values(METRICS).map(({ name, type }) => `# TYPE ${name} ${type}`)
  assert.deepEqual(declared, table.toSorted())
})

test('names say their unit, and bounds ascend', () => {
  for (const { name, type } of Object.values<Definition>(METRICS)) {
    assert.match(name, /^gatehouse_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    if (type === 'histogram') assert.ok(name.endsWith('_seconds'), name)
  }
  for (const bounds of [OVERHEAD_SECONDS, LATENCY_SECONDS]) {
    assert.deepEqual(
      bounds.toSorted((a, b) => a - b),
      bounds,
    )
  }
})

test('docs/metrics.md describes every metric with its type, labels and meaning, and no other', async () => {
  const file = join(import.meta.dirname, '../../docs/metrics.md')
  const documented = (await readFile(file, 'utf8')).matchAll(
    /^### `(gatehouse_\w+)`\n\n(\w+)(?:, labels (.+))?\. (.+?)\.\n/gm,
  )
  const rows = Array.from(documented, ([, name, type, labels, help]) => ({
    name,
    type: type?.toLowerCase(),
    labels: labels?.split(', ').map((label) => label.replaceAll('`', '')) ?? [],
    help,
  }))
  assert.deepEqual(
    rows,
    [...Object.values<Definition>(METRICS), ...Object.values<Definition>(CREW_METRICS)].map(
      (row) => ({ ...row }),
    ),
  )
})

test('docs/metrics.md shows how to ask for every metric', async () => {
  const file = join(import.meta.dirname, '../../docs/metrics.md')
  const sections = (await readFile(file, 'utf8')).split(/^### /m).slice(1)
  for (const section of sections) {
    const name = section.slice(1, section.indexOf('`', 1))
    const query = /```promql\n([\s\S]+?)```/.exec(section)?.[1] ?? ''
    assert.ok(query.includes(name), name)
  }
})
