import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { checkSeries } from './series.ts'

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

for (const rule of rules) {
  test(`${rule.alert} reads only metrics, labels and codes that exist`, () => {
    checkSeries(rule.expr)
  })
}
