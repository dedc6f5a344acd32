/** What a panel of the dashboard says, and the queries it is made of. */

/** One panel; where it stands follows from its row. */
export type Panel = {
  readonly title: string
  /** What it means and when to worry, for the tooltip. */
  readonly about: string
  /** Grafana's name of it. */
  readonly unit: 'reqps' | 'ops' | 's' | 'short' | 'percentunit' | 'bytes' | 'cps'
  /** Curves; the legend is in the words of Grafana (`{{label}}`). */
  readonly curves: readonly Curve[]
  /** `number` shows the last value, `bands` stacks curves that add up; `lines` otherwise. */
  readonly as?: 'number' | 'bands'
  /** Of a number: from the first on it is orange, from the second on red. */
  readonly marks?: readonly [warning: number, critical: number]
  /** Of a number: words for values, and their colour. */
  readonly words?: readonly (readonly [value: string, text: string, color: string])[]
}

/** A query, and what its lines are called. */
export type Curve = readonly [expr: string, legend: string]

/** Panels under one heading, which can be folded. */
export type Row = { readonly title: string; readonly panels: readonly Panel[] }

/** Of the gateways chosen above the dashboard. */
export const AT = 'instance=~"$instance"'
/** Of them, and of the servers chosen. */
export const OF = `${AT}, server=~"$server"`

/** Per second over a window that fits the zoom. */
export const rate = (metric: string, selector = AT): string =>
  `rate(${metric}{${selector}}[$__rate_interval])`

/** The same, added up but for some labels. */
export const sumRate = (by: string, metric: string, selector?: string): string =>
  `sum by (${by}) (${rate(metric, selector)})`

/** A curve for each value of some labels. */
export const per = (labels: string, metric: string, selector?: string): Curve => [
  sumRate(labels, metric, selector),
  labels
    .split(', ')
    .map((label) => `{{${label}}}`)
    .join(' '),
]

/** How much happened in the window. */
export const grown = (labels: string, metric: string): Curve => [
  `sum by (${labels}) (increase(${metric}{${AT}}[$__rate_interval]))`,
  per(labels, metric)[1],
]

/** Of a histogram of ours, over the labels kept. */
export const quantile = (q: number, histogram: string, selector = AT, by = 'le'): string =>
  `histogram_quantile(${q}, ${sumRate(by, `${histogram}_bucket`, selector)})`
