import assert from 'node:assert/strict'
import { test } from 'node:test'

import { endedJourney } from '../testkit/journey.ts'
import { countersOf, mergeMetrics } from './merge-metrics.ts'
import { createMetrics } from './metrics.ts'

function family(name: string, type: string, ...series: readonly string[]): string {
  return [`# HELP ${name} What it is`, `# TYPE ${name} ${type}`, ...series, ''].join('\n')
}

/** The series of a family when processes have these. */
function merged(name: string, type: string, ...each: readonly (readonly string[])[]) {
  const text = mergeMetrics(each.map((series) => family(name, type, ...series)))
  assert.equal(text.match(/^# TYPE /gm)?.length, 1, 'a family stands there once')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

test('counters are added up, series by series', () => {
  const [one, other] = ['calls_total{tool="a b"} 2', 'calls_total{tool="c"} 5']
  assert.deepEqual(merged('calls_total', 'counter', [one], [one, other]), [
    'calls_total{tool="a b"} 4',
    other,
  ])
})

test('histograms are added up, buckets, sum and count', () => {
  const one = ['d_bucket{le="0.1"} 1', 'd_bucket{le="+Inf"} 2', 'd_sum 0.5', 'd_count 2']
  assert.deepEqual(merged('d', 'histogram', one, one), [
    'd_bucket{le="0.1"} 2',
    'd_bucket{le="+Inf"} 4',
    'd_sum 1',
    'd_count 4',
  ])
})

test('of gauges the sum counts, or the worst, or what all have in common', () => {
  const of = (name: string) => merged(name, 'gauge', [`${name} 3`], [`${name} 2`])[0]
  assert.equal(of('gatehouse_connections_open'), 'gatehouse_connections_open 5')
  assert.equal(of('process_resident_memory_bytes'), 'process_resident_memory_bytes 5')
  assert.equal(of('gatehouse_audit_oldest_seconds'), 'gatehouse_audit_oldest_seconds 3')
  assert.equal(of('nodejs_eventloop_lag_p99_seconds'), 'nodejs_eventloop_lag_p99_seconds 3')
  assert.equal(of('gatehouse_audit_accepting'), 'gatehouse_audit_accepting 2')
  assert.equal(of('process_start_time_seconds'), 'process_start_time_seconds 2')
})

test('real metrics of two processes are one set, with every family once and nothing lost', async () => {
  const [one, other] = [1, 2].map(() => createMetrics({ version: '1', now: () => 0 }))
  one!.journey(endedJourney())
  other!.journey(endedJourney())
  const texts = await Promise.all([one!, other!].map(async (each) => (await each.render()).text))
  const text = mergeMetrics(texts)
  assert.match(text, /^gatehouse_requests_total\{server="docs".*\} 2$/m)
  assert.match(text, /^gatehouse_build_info\{.*\} 1$/m)
  assert.match(text, /^gatehouse_tool_call_duration_seconds_count\{.*\} 2$/m)
  const heads = (from: string) => from.match(/^# TYPE .*$/gm)?.toSorted()
  assert.deepEqual(heads(text), heads(texts[0]!))
})

test('of a process that has ended the counts remain and the gauges do not', () => {
  const text = family('calls_total', 'counter', 'calls_total 2') + family('open', 'gauge', 'open 1')
  assert.equal(countersOf(text), family('calls_total', 'counter', 'calls_total 2'))
})
