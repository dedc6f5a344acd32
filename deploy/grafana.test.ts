import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DASHBOARD, dashboard } from './grafana/dashboard.ts'
import { checkLabel, checkSeries, OWN } from './series.ts'

type Place = { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
type Target = { readonly expr: string; readonly legendFormat: string; readonly datasource: unknown }
type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: Place
  readonly targets?: readonly Target[]
}
type Variable = { readonly name: string; readonly definition?: string; readonly type: string }
type Dashboard = {
  readonly id: unknown
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}

const text = readFileSync(DASHBOARD, 'utf8')
const written = JSON.parse(text) as Dashboard
const panels = written.panels.filter(({ type }) => type !== 'row')
const targets = panels.flatMap(({ targets }) => targets ?? [])

test('the dashboard is what deploy/grafana says, as make docs writes it', () => {
  assert.deepEqual(written, dashboard())
})

test('it can be imported anywhere: no id, no data source but the one that is chosen', () => {
  assert.equal(written.id, null)
  assert.ok(written.schemaVersion >= 39)
  assert.deepEqual(written.templating.list[0]?.type, 'datasource')
  const uids = Array.from(text.matchAll(/"uid": "([^"]*)"/g), ([, uid]) => uid)
  assert.deepEqual(new Set(uids), new Set(['gatehouse', '${datasource}']))
  assert.doesNotMatch(text, /__inputs|https?:/)
})

test('every panel says what it is about, and has a number and a title of its own', () => {
  for (const { title, description = '', targets = [] } of panels) {
    assert.ok(title !== '' && description.endsWith('.'), title)
    assert.ok(targets.length > 0, title)
  }
  for (const key of ['id', 'title'] as const) {
    assert.equal(new Set(written.panels.map((panel) => panel[key])).size, written.panels.length)
  }
})

test('panels stand within the grid, and none on another', () => {
  const taken = new Map<string, string>()
  for (const { title, gridPos } of written.panels) {
    const { x, y, w, h } = gridPos
    assert.ok(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24, title)
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        const other = taken.get(`${column} ${line}`)
        assert.equal(other, undefined, `${title} stands on ${other}`)
        taken.set(`${column} ${line}`, title)
      }
    }
  }
})

test('panels read only metrics, labels and codes that exist, and legends name only labels', () => {
  for (const { expr, legendFormat } of targets) {
    const read = checkSeries(expr)
    const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? []
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      checkLabel(label, read)
      assert.ok(kept.includes(label), `${label} is added up in ${expr}`)
    }
  }
  for (const { expr } of written.annotations.list) checkSeries(expr)
  for (const { definition } of written.templating.list) {
    if (definition === undefined) continue
    const [, label = ''] = /, (\w+)\)$/.exec(definition) ?? []
    checkLabel(label, checkSeries(definition))
  }
})

test('every metric is on it', () => {
  const read = new Set(targets.flatMap(({ expr }) => checkSeries(expr)))
  for (const metric of OWN.values()) assert.ok(read.has(metric), `no panel reads ${metric.name}`)
})

test('Prometheus takes every expression', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-grafana-'))
  const rules = targets.map(({ expr }, at) => ({ record: `panel:${at}`, expr: filledIn(expr) }))
  writeFileSync(join(directory, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'all', rules }] }))
  const result = spawnSync('promtool', ['check', 'rules', 'rules.yaml'], {
    cwd: directory,
    encoding: 'utf8',
  })
  rmSync(directory, { recursive: true })
  assert.equal(result.status, 0, `${result.stdout}${result.stderr}`)
})

/** The expression as Grafana sends it. */
function filledIn(expr: string): string {
  return expr.replaceAll(/\$__(?:rate_interval|range)/g, '5m').replaceAll(/\$\w+/g, '.*')
}
