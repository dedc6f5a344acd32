/** Holds what an alert or a panel asks Prometheus for to the metrics, labels and codes that there are. */
import assert from 'node:assert/strict'
import { REFUSALS } from '../gateway/model/refusal.ts'
import { CREW_METRICS } from '../gateway/telemetry/crew-metrics.ts'
import { type Definition, METRICS } from '../gateway/telemetry/definitions.ts'

/** Metrics that are not of our own table: Prometheus' and the client library's. */
const FOREIGN: ReadonlySet<string> = new Set([
  'up',
  'process_start_time_seconds',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
])

/** Labels that Prometheus adds, and that of the buckets of histograms. */
const ADDED: ReadonlySet<string> = new Set(['job', 'instance', 'le'])

/** Every metric of ours, by name. */
export const OWN: ReadonlyMap<string, Definition> = new Map(
  [...Object.values(METRICS), ...Object.values(CREW_METRICS)].map((metric) => [
    metric.name,
    metric,
  ]),
)

/** @returns the metrics of ours that an expression reads, each looked up; fails for what does not exist. */
export function checkSeries(expr: string): readonly Definition[] {
  const series = Array.from(
    expr.matchAll(/\b(gatehouse_\w+|up|process_\w+)(?:\{([^}]*)\})?/g),
    ([, name = '', selector = '']) => ({ name, selector }),
  )
  assert.ok(series.length > 0, expr)
  const read = series.flatMap(({ name, selector }) => {
    if (FOREIGN.has(name)) return []
    const metric = OWN.get(name) ?? OWN.get(name.replace(/_bucket$/, ''))
    assert.ok(metric, `${name} is no metric`)
    assert.equal(metric.type === 'histogram', name.endsWith('_bucket'), name)
    for (const [, label = '', values = ''] of selector.matchAll(/(\w+)[=!~]+"([^"]*)"/g)) {
      checkLabel(label, [metric])
      if (label !== 'code') continue
      for (const code of values.split('|')) assert.ok(code in REFUSALS, `no refusal is ${code}`)
    }
    return [metric]
  })
  for (const [, labels = ''] of expr.matchAll(/\b(?:by|on|ignoring)\s*\(([^)]*)\)/g)) {
    for (const label of labels.split(',')) checkLabel(label.trim(), read)
  }
  return read
}

/** Fails unless every one of the metrics has the label. */
export function checkLabel(label: string, metrics: readonly Definition[]): void {
  if (ADDED.has(label)) return
  for (const { name, labels } of metrics) {
    assert.ok(labels.includes(label), `${name} has no label ${label}`)
  }
}
