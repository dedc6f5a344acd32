import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { REFUSALS } from '../gateway/model/refusal.ts'
import { CREW_METRICS } from '../gateway/telemetry/crew-metrics.ts'
import { type Definition, METRICS } from '../gateway/telemetry/definitions.ts'

const HERE = join(import.meta.dirname, 'prometheus')
const read = (file: string): string => readFileSync(join(HERE, file), 'utf8')

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly do: string }
}

const { groups } = parse(read('alerts.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)

function promtool(...args: readonly string[]): void {
  const result = spawnSync('promtool', args, { cwd: HERE, encoding: 'utf8' })
  assert.equal(result.status, 0, `${result.stdout}${result.stderr}`)
}

test('promtool accepts the scrape configuration and the alert rules', () => {
  promtool('check', 'config', '--lint=all', '--lint-fatal', 'scrape.yaml')
  promtool('check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yaml')
})

test('every alert fires in its scenario, alone, and stays quiet in the others', () => {
  promtool('test', 'rules', 'alerts.test.yaml')
})

test('every alert has a scenario, a severity, and says what to do', () => {
  const scenarios = read('alerts.test.yaml')
  for (const rule of rules) {
    assert.match(scenarios, new RegExp(`alertname(?:=|: )"?${rule.alert}\\b`))
    assert.match(rule.labels.severity, /^(?:critical|warning)$/)
    assert.ok(rule.annotations.summary !== '' && rule.annotations.do !== '', rule.alert)
  }
})

/** Metrics that are not of our own table: Prometheus' and the client library's. */
const FOREIGN = new Set(['up', 'process_start_time_seconds'])

for (const rule of rules) {
  test(`${rule.alert} reads only metrics, labels and codes that exist`, () => {
    const table: readonly Definition[] = [...Object.values(METRICS), ...Object.values(CREW_METRICS)]
    const own = new Map(table.map((metric) => [metric.name, metric]))
    const series = Array.from(
      rule.expr.matchAll(/\b(gatehouse_\w+|up|process_\w+)(?:\{([^}]*)\})?/g),
    )
    assert.ok(series.length > 0)
    for (const [, name = '', selector = ''] of series) {
      if (FOREIGN.has(name)) continue
      const metric = own.get(name) ?? own.get(name.replace(/_bucket$/, ''))
      assert.ok(metric, `${name} is no metric`)
      assert.equal(metric.type === 'histogram', name.endsWith('_bucket'), name)
      for (const [, label = '', values = ''] of selector.matchAll(/(\w+)[=!~]+"([^"]*)"/g)) {
        assert.ok(metric.labels.includes(label), `${name} has no label ${label}`)
        if (label !== 'code') continue
        for (const code of values.split('|')) assert.ok(code in REFUSALS, `no refusal is ${code}`)
      }
    }
  })
}
