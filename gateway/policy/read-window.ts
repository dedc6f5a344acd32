/** `during` of a rule as written into a window. */
import type { Clocks, LocalClock } from './local-clock.ts'
import { checkKeys, fieldsOf, type Report, textOf, textsOf, type Value } from './read-fields.ts'
import { DAY_MINUTES, type Hours, type Window } from './window.ts'

const KEYS = ['tz', 'days', 'hours', 'from', 'until']

/** As `Date` counts them. */
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** The window under `during`; undefined when there is none. */
export function readWindow(entry: Value, clocks: Clocks, report: Report): Window | undefined {
  if (entry.value === undefined) return undefined
  const fields = fieldsOf(entry, report)
  if (fields === undefined) return undefined
  const at = (key: string): Value => ({ value: fields[key], path: [...entry.path, key] })
  checkKeys(fields, { path: entry.path, known: KEYS, later: [] }, report)
  if (KEYS.every((key) => key === 'tz' || fields[key] === undefined)) {
    report(entry.path, 'is always: give days, hours, from or until')
  }
  const zone = textOf(at('tz'), report) ?? 'UTC'
  const clock = clocks(zone)
  if (clock === undefined) {
    report([...entry.path, 'tz'], `"${zone}" is no time zone, such as Europe/Berlin or UTC`)
    return undefined
  }
  const fromMs = readMoment(at('from'), { clock, endOfDay: false }, report)
  const untilMs = readMoment(at('until'), { clock, endOfDay: true }, report)
  if (fromMs !== undefined && untilMs !== undefined && fromMs >= untilMs) {
    report([...entry.path, 'until'], 'lies before "from"')
  }
  const days = readDays(at('days'), report)
  return { clock, days, hours: readHours(at('hours'), report), fromMs, untilMs }
}

/** Days by their names, and ranges of them (`fri-mon` passes the end of the week). */
function readDays(entry: Value, report: Report): ReadonlySet<number> | undefined {
  if (entry.value === undefined) return undefined
  const days = new Set<number>()
  for (const { text, path } of textsOf(entry, report)) {
    const [first = '', last = first, ...more] = text.split('-')
    const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)]
    if (from === -1 || to === -1 || more.length > 0) {
      report(path, `"${text}" is no day and no range: write mon, or mon-fri`)
      continue
    }
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === to) break
    }
  }
  return days
}

function readHours(entry: Value, report: Report): Hours | undefined {
  const text = textOf(entry, report)
  if (text === undefined) return undefined
  const [, ...parts] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text) ?? []
  const [fromHour = 99, fromMinute = 0, toHour = 99, toMinute = 0] = parts.map(Number)
  const start = fromHour * 60 + fromMinute
  const end = toHour * 60 + toMinute
  const fits = fromMinute < 60 && toMinute < 60 && start < DAY_MINUTES && end <= DAY_MINUTES
  if (!fits || start === end) {
    report(entry.path, `"${text}" must be two times of day, such as 08:00-18:00 or 22:00-06:00`)
    return undefined
  }
  return { start, end: end < start ? end + DAY_MINUTES : end }
}

/** A date, a local date and time, or one with its offset. A date alone is its first or its last moment. */
function readMoment(
  entry: Value,
  { clock, endOfDay }: { readonly clock: LocalClock; readonly endOfDay: boolean },
  report: Report,
): number | undefined {
  const text = textOf(entry, report)
  if (text === undefined) return undefined
  const [, date, time = '', offset] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  const ms = date === undefined ? Number.NaN : momentOf({ date, time, offset, endOfDay }, clock)
  if (!Number.isNaN(ms)) return ms
  report(entry.path, `"${text}" is no date such as 2026-12-31 or 2026-12-31T18:00`)
  return undefined
}

type Moment = {
  readonly date: string
  readonly time: string
  readonly offset: string | undefined
  readonly endOfDay: boolean
}

function momentOf({ date, time, offset, endOfDay }: Moment, clock: LocalClock): number {
  const midnight = Date.parse(`${date}T00:00:00Z`)
  // 30 February would become 2 March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date))
    return Number.NaN
  if (offset !== undefined) return Date.parse(`${date}T${time}${offset}`)
  if (time !== '') return clock.momentOf(`${date}T${time}`)
  const day = endOfDay ? new Date(midnight + 86_400_000).toISOString().slice(0, 10) : date
  return clock.momentOf(`${day}T00:00`)
}
