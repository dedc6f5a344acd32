/** The runs as one page: for each, latency over time. A file without scripts, for any browser. */
import { quantile } from '../bench/statistics.ts'
import type { Report } from './report.ts'
import type { Answer } from './run.ts'

/** Size of a chart, in its own units. */
const WIDTH = 720
const HEIGHT = 220
/** Room for the numbers. */
const LEFT = 56
const BOTTOM = 24
const TOP = 12

/** From the most to the least: later lines lie over earlier ones. */
const LINES = [
  { name: 'p99', share: 0.99 },
  { name: 'p95', share: 0.95 },
  { name: 'median', share: 0.5 },
] as const

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #8a929b; --p99: #b42318; --p95: #b26a00; --median: #1f6feb }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --p99: #ff7b6b; --p95: #f0b14a; --median: #6cb0ff } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 48rem; margin: 2rem auto; padding: 0 1rem }
pre { overflow-x: auto } svg { width: 100%; height: auto } text { font-size: 11px; fill: var(--faint) }
line { stroke: var(--faint); stroke-width: .5 } path { fill: none; stroke-width: 1.5 }
.p99 { stroke: var(--p99) } .p95 { stroke: var(--p95) } .median { stroke: var(--median) }
text.p99 { fill: var(--p99); stroke: none } text.p95 { fill: var(--p95); stroke: none } text.median { fill: var(--median); stroke: none }`

/** @param about What was measured, when and where, in a line. */
export function chartPage(reports: readonly Report[], about: string): string {
  const sections = reports.map(({ scenario, run, text, isGood }) => {
    const verdict = isGood ? 'kept' : 'NOT kept'
    return `<section><h2>${escape(scenario.name)}: ${verdict}</h2><p>${escape(scenario.about)}</p>
${chart(run.answers)}<pre>${escape(text)}</pre></section>`
  })
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Gatehouse under load</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style>
<h1>Gatehouse under load</h1><p>${escape(about)}</p>${sections.join('\n')}</html>\n`
}

/** Latency over time, on a logarithmic scale: what is rare is far away. */
export function chart(answers: readonly Answer[]): string {
  const bySecond = Map.groupBy(answers, ({ second }) => second)
  const seconds = [...bySecond.keys()].toSorted((one, other) => one - other)
  const last = Math.max(1, seconds.at(-1) ?? 1)
  const slowest = Math.max(10, ...answers.map(({ tookMs }) => tookMs))
  const decades = Math.ceil(Math.log10(slowest)) + 1
  const x = (second: number): number => LEFT + (second / last) * (WIDTH - LEFT)
  const y = (tookMs: number): number => {
    const height = (Math.log10(Math.max(0.1, tookMs)) + 1) / decades
    return HEIGHT - BOTTOM - height * (HEIGHT - BOTTOM - TOP)
  }
  const grid = Array.from({ length: decades + 1 }, (_, at) => {
    const mark = 10 ** (at - 1)
    const height = y(mark).toFixed(1)
    return `<line x1="${LEFT}" x2="${WIDTH}" y1="${height}" y2="${height}"/><text x="0" y="${height}">${mark} ms</text>`
  })
  const lines = LINES.map(({ name, share }, at) => {
    const points = seconds.map((second) => {
      const took = (bySecond.get(second) ?? []).map(({ tookMs }) => tookMs)
      return `${x(second).toFixed(1)},${y(quantile(took, share)).toFixed(1)}`
    })
    const label = `<text class="${name}" x="${WIDTH - 150 + at * 50}" y="${HEIGHT - 6}">${name}</text>`
    return `<path class="${name}" d="M${points.join('L')}"/>${label}`
  })
  const ends = `<text x="${LEFT}" y="${HEIGHT - 6}">0 s</text><text x="${WIDTH / 2}" y="${HEIGHT - 6}">${last} s in all</text>`
  const label = 'Latency over time: median, p95 and p99 of each second'
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${grid.join('')}${lines.join('')}${ends}</svg>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
