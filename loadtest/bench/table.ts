/** Lays results out as Markdown tables, which read well on a terminal too. */
import { GOALS, verdict } from './goals.ts'
import type { Goal } from './goals.ts'
import type { StreamMemory } from './measure/idle-streams.ts'
import type { Results } from './results.ts'
import { NGINX } from './variants/nginx.ts'

/** One row per variant. */
export function variantTable(results: Results): string {
  const yardstick = results.throughput.get(NGINX.name)?.microsPerCall?.p25
  const rows = results.variants.map((name) => {
    const throughput = results.throughput.get(name)
    const latency = results.latency.get(name)
    const micros = throughput?.microsPerCall
    const rate = latency === undefined ? '-' : `${latency.ratePerSecond}/s`
    return [
      name,
      figure(throughput?.requestsPerSecond, 0),
      figure(micros?.p25, 1),
      figure(micros?.median, 1),
      micros === undefined || yardstick === undefined ? '-' : figure(yardstick / micros.p25, 2),
      figure(latency?.addedP50Ms, 2),
      figure(latency?.addedP99Ms, 2),
      latency?.held === false ? `${rate}, not held` : rate,
      figure(throughput?.residentMb, 0),
      streamFigure(results.streams.get(name)),
      micros === undefined ? '-' : percent(throughput?.waitedShare, 0),
      percent(throughput?.badShare, 2),
    ]
  })
  const head = [
    'variant',
    'requests/s',
    'µs/call p25',
    'median',
    'of nginx',
    'added p50 ms',
    'added p99 ms',
    'at',
    'RSS MB',
    'KB/stream',
    'waited',
    'bad',
  ]
  return table(head, rows)
}

/** One row per goal, floor and goal side by side. */
export function goalTable(results: Results): string {
  const rows = GOALS.map((goal) => {
    const value = goal.measure(results)
    return [
      goal.what,
      amount(goal, value),
      bound(goal, goal.floor),
      bound(goal, goal.goal),
      verdict(goal, value),
    ]
  })
  return table(['Gatehouse', 'measured', 'floor', 'goal', 'verdict'], rows)
}

/** A Markdown table whose first column is left and whose others are right aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, at) =>
      at === 0 ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width),
    )
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

function amount({ unit }: Goal, value: number | undefined): string {
  const text = figure(value, unit === 'µs' || unit === 'KB' ? 1 : 2)
  return text === '-' ? text : `${text} ${unit}`
}

function bound(goal: Goal, mark: number | undefined): string {
  const text = amount(goal, mark)
  return text === '-' ? text : `${goal.better === 'higher' ? '≥' : '≤'} ${text}`
}

/** Says so when not every stream was accepted. */
function streamFigure(memory: StreamMemory | undefined): string {
  const text = figure(memory?.kbPerStream, 1)
  return memory === undefined || memory.refused === 0 ? text : `${text}, ${memory.refused} refused`
}

function percent(share: number | undefined, digits: number): string {
  return share === undefined ? '-' : `${figure(share * 100, digits)} %`
}

function figure(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits)
}
