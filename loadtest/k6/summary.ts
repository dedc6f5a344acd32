/** The end of a k6 run in a few lines. */

/** The part of k6's summary that is read here. */
export type SummaryData = {
  readonly metrics: Readonly<Record<string, SummaryMetric>>
  readonly state: { readonly testRunDurationMs: number }
}

type SummaryMetric = {
  readonly values: Readonly<Record<string, number>>
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
}

/** What was sent, how long it took, and each threshold with its verdict. */
export function summaryText({ metrics, state }: SummaryData): string {
  const seconds = state.testRunDurationMs / 1000
  const value = (metric: string, name: string): number => metrics[metric]?.values[name] ?? 0
  const took = (name: string): string => `${value('http_req_duration', name).toFixed(2)} ms`
  const lines = [
    '',
    `requests      ${value('http_reqs', 'count')} in ${seconds.toFixed(1)} s, ` +
      `${value('http_reqs', 'rate').toFixed(1)} per second`,
    `served        ${(value('answers_good', 'rate') * 100).toFixed(3)} %`,
    `not sent      ${value('dropped_iterations', 'count')}`,
    `took          median ${took('med')}, p95 ${took('p(95)')}, p99 ${took('p(99)')}, ` +
      `max ${took('max')}`,
    '',
    ...Object.entries(metrics).flatMap(([name, metric]) => thresholdLines(name, metric)),
    '',
  ]
  return lines.join('\n')
}

function thresholdLines(name: string, { thresholds }: SummaryMetric): string[] {
  return Object.entries(thresholds ?? {}).map(
    ([rule, { ok }]) => `${ok ? 'PASS' : 'FAIL'}  ${name} ${rule}`,
  )
}
