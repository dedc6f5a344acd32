import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOALS, verdict } from './goals.ts'
import type { Goal } from './goals.ts'
import type { Latency } from './measure/latency.ts'
import type { Results } from './results.ts'
import { goalTable, table, variantTable } from './table.ts'

const empty: Results = {
  variants: [],
  throughput: new Map(),
  latency: new Map(),
  streams: new Map(),
  lists: new Map(),
  swaps: new Map(),
  garbage: undefined,
  coldTokens: [],
}

function costs(microsByName: Readonly<Record<string, number>>): Results {
  const throughput = new Map(
    Object.entries(microsByName).map(([name, micros]) => [
      name,
      {
        requestsPerSecond: 1,
        microsPerCall: { p25: micros, median: micros },
        residentMb: 1,
        waitedShare: 0,
        badShare: 0,
      },
    ]),
  )
  return { ...empty, variants: [...throughput.keys()], throughput }
}

function latencyAt(ratePerSecond: number, addedP50Ms: number): Latency {
  return { ratePerSecond, held: true, p50Ms: 1, p99Ms: 1, addedP50Ms, addedP99Ms: 1 }
}

function goalNamed(what: string): Goal {
  const goal = GOALS.find((goal) => goal.what === what)
  assert.ok(goal, what)
  return goal
}

test('the ratio to a yardstick is its cost over that of Gatehouse', () => {
  const goal = goalNamed('calls per core / nginx')
  const verdictAt = (micros: number) =>
    verdict(goal, goal.measure(costs({ nginx: 20, gatehouse: micros })))
  assert.equal(verdictAt(40), 'goal reached')
  assert.equal(verdictAt(55), 'PASS')
  assert.equal(verdictAt(80), 'BELOW FLOOR')
})

test('where less is better a larger figure is the worse one', () => {
  const goal = goalNamed('processor time per authorised call')
  assert.equal(verdict(goal, 30), 'goal reached')
  assert.equal(verdict(goal, 50), 'PASS')
  assert.equal(verdict(goal, 59), 'BELOW FLOOR')
})

test('what was not measured never passes', () => {
  for (const goal of GOALS) {
    assert.equal(verdict(goal, goal.measure(empty)), 'not measured')
    assert.equal(verdict(goal, NaN), 'not measured')
  }
})

test('a difference below nothing is noise, not a goal reached', () => {
  assert.equal(verdict(goalNamed('added p99'), -3), 'noise')
})

test('latencies at different rates have no ratio', () => {
  const { measure } = goalNamed("added p50 / nginx's")
  const with2000 = new Map([
    ['nginx', latencyAt(2000, 0.1)],
    ['gatehouse', latencyAt(2000, 0.2)],
  ])
  const with500 = new Map([
    ['nginx', latencyAt(2000, 0.1)],
    ['gatehouse', latencyAt(500, 0.2)],
  ])
  assert.equal(measure({ ...empty, latency: with2000 }), 2)
  assert.equal(measure({ ...empty, latency: with500 }), undefined)
})

test('only ratios of processor time are gated', () => {
  for (const goal of GOALS.filter((goal) => goal.gated)) assert.match(goal.what, /^calls per core/)
})

test('tables have a row per variant and per goal, with a dash for what is missing', () => {
  const results = costs({ nginx: 20, gatehouse: 50 })
  const rows = variantTable(results).split('\n')
  assert.equal(rows.length, 4)
  assert.match(rows[3] ?? '', /gatehouse .* 50\.0 .* 0\.40 .* - /)
  assert.equal(goalTable(results).split('\n').length, 2 + GOALS.length)
})

test('columns are as wide as their widest cell, the first one left aligned', () => {
  const text = table(
    ['a', 'bb'],
    [
      ['long', '1'],
      ['x', '222'],
    ],
  )
  assert.equal(text, '| a    |  bb |\n| ---- | --: |\n| long |   1 |\n| x    | 222 |')
})
