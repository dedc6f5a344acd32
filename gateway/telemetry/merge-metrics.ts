/**
 * One set of metrics of several processes, in the text format (prometheus.io/docs/instrumenting/
 * exposition_formats, version 0.0.4). What is counted is added up; of a gauge what says most of the whole.
 */
import { METRICS } from './definitions.ts'

/** Gauges that are not added up: how late or how full the worst is, and what all have in common. */
const LARGEST: ReadonlySet<string> = new Set([
  METRICS.build.name,
  METRICS.serverEras.name,
  METRICS.connections.name,
  METRICS.auditOldest.name,
  METRICS.overload.name,
  METRICS.resourceUsed.name,
  METRICS.loopDelay.name,
  METRICS.sharedProcesses.name,
  'nodejs_version_info',
])

/** Gauges where the one that is furthest behind counts. */
const SMALLEST: ReadonlySet<string> = new Set([
  METRICS.auditAccepting.name,
  METRICS.lastReload.name,
  'process_start_time_seconds',
  'process_max_fds',
])

type Family = {
  readonly name: string
  /** Its `# HELP` and `# TYPE` lines. */
  readonly head: string[]
  type: string
  readonly series: Map<string, number>
}

/** The metrics of all as one text; ends with a newline. */
export function mergeMetrics(texts: readonly string[]): string {
  const families = new Map<string, Family>()
  for (const text of texts) for (const family of readFamilies(text)) merge(family, families)
  return format(families.values())
}

/** Only what counts up: what remains of a process when it has ended. */
export function countersOf(text: string): string {
  return format(readFamilies(text).filter(({ type }) => type !== 'gauge'))
}

function merge(family: Family, into: Map<string, Family>): void {
  const known = into.get(family.name)
  if (known === undefined) {
    into.set(family.name, family)
    return
  }
  const combine = combinationOf(family)
  for (const [key, value] of family.series) {
    const before = known.series.get(key)
    known.series.set(key, before === undefined ? value : combine(before, value))
  }
}

function combinationOf({ name, type }: Family): (one: number, other: number) => number {
  if (type !== 'gauge') return (one, other) => one + other
  if (SMALLEST.has(name)) return Math.min
  return LARGEST.has(name) || name.startsWith('nodejs_eventloop_')
    ? Math.max
    : (one, other) => one + other
}

/** Each family begins with its `# HELP` line, as both writers of this program have it. */
function readFamilies(text: string): Family[] {
  const families: Family[] = []
  for (const line of text.split('\n')) {
    const [mark, what, name = '', type = ''] = line.split(' ', 4)
    if (mark === '#' && what === 'HELP') {
      families.push({ name, head: [line], type: 'untyped', series: new Map() })
      continue
    }
    const family = families.at(-1)
    if (family === undefined || line === '') continue
    if (mark === '#') {
      family.head.push(line)
      family.type = type
      continue
    }
    // Labels may hold blanks, values may not.
    const end = line.lastIndexOf(' ')
    family.series.set(line.slice(0, end), Number(line.slice(end + 1)))
  }
  return families
}

function format(families: Iterable<Family>): string {
  const lines: string[] = []
  for (const { head, series } of families) {
    lines.push(...head)
    for (const [key, value] of series) lines.push(`${key} ${value}`)
  }
  return `${lines.join('\n')}\n`
}
