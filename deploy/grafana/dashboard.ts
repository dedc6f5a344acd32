/** Lays out the rows of panels as a Grafana dashboard; run, writes `gatehouse.json` (`make docs`). */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { INSIDE_ROWS } from './inside-rows.ts'
import type { Curve, Panel } from './panel.ts'
import { TRAFFIC_ROWS } from './traffic-rows.ts'

/** Where it is written. */
export const DASHBOARD = join(import.meta.dirname, 'gatehouse.json')

/** Columns of the grid. */
const WIDE = 24

/** Columns and lines of the grid that a panel takes. */
const SIZES = { number: { w: 3, h: 4 }, bands: { w: 8, h: 8 }, lines: { w: 8, h: 8 } } as const

/** Of the classic model, which every Grafana from 10 on imports. */
const SCHEMA_VERSION = 42

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const

/** The dashboard, without anything that one Grafana alone would know. */
export function dashboard(): unknown {
  return {
    uid: 'gatehouse',
    id: null,
    title: 'Gatehouse',
    description: 'The auth gateway for MCP servers: docs/metrics.md explains every metric.',
    tags: ['gatehouse', 'mcp'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: { list: VARIABLES },
    annotations: { list: [RELOADS] },
    links: [],
    panels: place(),
  }
}

const VARIABLES = [
  {
    name: 'datasource',
    label: 'Prometheus',
    type: 'datasource',
    query: 'prometheus',
    current: {},
    refresh: 1,
  },
  variable('instance', 'Gateway', 'label_values(gatehouse_build_info, instance)'),
  variable(
    'server',
    'Server',
    'label_values(gatehouse_requests_total{instance=~"$instance"}, server)',
  ),
]

function variable(name: string, label: string, query: string): unknown {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  }
}

/** Lines where a configuration took over. */
const RELOADS = {
  name: 'Reloads',
  datasource: DATASOURCE,
  enable: true,
  expr: 'changes(gatehouse_last_reload_success_timestamp_seconds{instance=~"$instance"}[1m]) > 0',
  step: '60s',
  titleFormat: 'configuration loaded',
  textFormat: '{{instance}}',
  iconColor: 'purple',
}

/** Rows one below the other; in each, panels side by side for as long as there is room. */
function place(): readonly unknown[] {
  const placed: unknown[] = []
  let y = 0
  for (const { title, panels } of [...TRAFFIC_ROWS, ...INSIDE_ROWS]) {
    const gridPos = { x: 0, y, w: WIDE, h: 1 }
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos,
      panels: [],
    })
    y += 1
    let x = 0
    let height = 0
    for (const panel of panels) {
      const { w, h } = SIZES[panel.as ?? 'lines']
      if (x + w > WIDE) [x, y, height] = [0, y + height, 0]
      placed.push({ id: placed.length + 1, ...draw(panel), gridPos: { x, y, w, h } })
      x += w
      height = Math.max(height, h)
    }
    y += height
  }
  return placed
}

function draw(panel: Panel): Readonly<Record<string, unknown>> {
  const { title, about, curves } = panel
  const isNumber = panel.as === 'number'
  return {
    title,
    description: about,
    datasource: DATASOURCE,
    targets: curves.map(target),
    ...(isNumber ? drawNumber(panel) : drawLines(panel)),
  }
}

function target([expr, legendFormat]: Curve, at: number): unknown {
  const refId = String.fromCodePoint(65 + at)
  return { refId, datasource: DATASOURCE, editorMode: 'code', expr, legendFormat, range: true }
}

function drawNumber({ unit, marks, words }: Panel): Readonly<Record<string, unknown>> {
  const steps = [
    { color: 'green', value: null },
    ...(marks === undefined ? [] : [{ color: 'orange', value: marks[0] }]),
    ...(marks === undefined ? [] : [{ color: 'red', value: marks[1] }]),
  ]
  const options = Object.fromEntries(
    (words ?? []).map(([value, text, color]) => [value, { text, color }]),
  )
  const mappings = words === undefined ? [] : [{ type: 'value', options }]
  return {
    type: 'stat',
    fieldConfig: {
      defaults: { unit, mappings, thresholds: { mode: 'absolute', steps } },
      overrides: [],
    },
    options: { colorMode: 'value', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'] } },
  }
}

function drawLines({ unit, as }: Panel): Readonly<Record<string, unknown>> {
  const isStacked = as === 'bands'
  const custom = {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: isStacked ? 40 : 8,
    showPoints: 'auto',
    spanNulls: false,
    stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
  }
  return {
    type: 'timeseries',
    fieldConfig: { defaults: { unit, min: 0, custom }, overrides: [] },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }
}

if (import.meta.main) writeFileSync(DASHBOARD, `${JSON.stringify(dashboard(), undefined, 2)}\n`)
