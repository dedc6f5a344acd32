/** The clocks of time zones, as `Intl` knows them. */

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** Widest offsets of any zone from UTC, in hours. */
const OFFSETS = [-14, 0, 14]

/** What a clock on the wall shows. */
export type LocalTime = {
  /** 0 is Sunday. */
  readonly day: number
  /** Since midnight. */
  readonly minute: number
  /** `2026-11-23` */
  readonly date: string
}

export type LocalClock = {
  readonly at: (nowMs: number) => LocalTime
  /**
   * The moment at which the clock shows a local date and time (`2026-11-23T08:00`), in epoch milliseconds: the
   * first of two, and where clocks skip it, as long after the gap as it lies in it. `NaN` for no date.
   */
  readonly momentOf: (local: string) => number
}

/** Makes clocks, one for each zone; undefined for a zone that is not known. */
export type Clocks = (zone: string) => LocalClock | undefined

/** Clocks to share among the windows of a policy: each holds a formatter, which is large. */
export function createClocks(): Clocks {
  const known = new Map<string, LocalClock | undefined>()
  return (zone) => {
    if (!known.has(zone)) known.set(zone, createClock(zone))
    return known.get(zone)
  }
}

function createClock(zone: string): LocalClock | undefined {
  const formatter = formatterOf(zone)
  if (formatter === undefined) return undefined
  /** `2026-11-23 08:00:00` */
  const show = (ms: number): string => formatter.format(ms)
  const shownAt = (ms: number): number => Date.parse(`${show(ms).replace(' ', 'T')}Z`)
  let lastMinute = Number.NaN
  let last: LocalTime = { day: 0, minute: 0, date: '' }
  return {
    at(nowMs) {
      const minuteMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS
      if (minuteMs !== lastMinute) {
        last = timeOf(show(minuteMs))
        lastMinute = minuteMs
      }
      return last
    },
    momentOf(local) {
      const asUtc = Date.parse(`${local}Z`)
      if (Number.isNaN(asUtc)) return Number.NaN
      const candidates = OFFSETS.map((hours) => {
        const near = asUtc + hours * HOUR_MS
        return asUtc - (shownAt(near) - near)
      })
      const exact = candidates.filter((ms) => shownAt(ms) === asUtc)
      return exact.length > 0 ? Math.min(...exact) : Math.max(...candidates)
    },
  }
}

function timeOf(shown: string): LocalTime {
  const [date = '', time = ''] = shown.split(' ')
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return { date, day: new Date(`${date}T00:00:00Z`).getUTCDay(), minute: hour * 60 + minute }
}

/** Swedish writes dates and times as ISO 8601 does. */
function formatterOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  } catch {
    return undefined
  }
}
