/** `during:`: the times at which a rule holds, on the clocks of one time zone. */
import type { LocalClock } from './local-clock.ts'

/** Minutes since midnight; `end` is not part of it, and beyond 1,440 it lies on the next day. */
export type Hours = { readonly start: number; readonly end: number }

export type Window = {
  readonly clock: LocalClock
  /** Days it opens on, 0 is Sunday; undefined: every day. Hours that pass midnight belong to the day before. */
  readonly days: ReadonlySet<number> | undefined
  readonly hours: Hours | undefined
  /** Epoch milliseconds, the first at which it is open and the first at which it is not. */
  readonly fromMs: number | undefined
  readonly untilMs: number | undefined
}

/** Minutes of a day, as `hours` counts them. */
export const DAY_MINUTES = 1_440

const DAY_MS = 86_400_000

/** Days looked ahead for an edge: a week holds every day, and one more holds the end of the last. */
const DAYS_AHEAD = 8

/** Whether the window is open. Exact to the millisecond at `from` and `until`, to the minute at `hours`. */
export function isOpen({ clock, days, hours, fromMs, untilMs }: Window, nowMs: number): boolean {
  if (fromMs !== undefined && nowMs < fromMs) return false
  if (untilMs !== undefined && nowMs >= untilMs) return false
  if (days === undefined && hours === undefined) return true
  const { day, minute } = clock.at(nowMs)
  if (hours === undefined) return opensOn(days, day)
  if (minute >= hours.start && minute < hours.end && opensOn(days, day)) return true
  // The hours of yesterday may not be over yet.
  return minute + DAY_MINUTES < hours.end && opensOn(days, (day + 6) % 7)
}

/** When it opens or closes next, in epoch milliseconds; `Infinity` for never again. */
export function nextEdge(window: Window, nowMs: number): number {
  const now = isOpen(window, nowMs)
  const edges = [...marks(window, nowMs)].filter((ms) => ms > nowMs && isOpen(window, ms) !== now)
  return Math.min(...edges, Number.POSITIVE_INFINITY)
}

/** When any of the windows opens or closes next; remembers it until then. */
export function createEdges(windows: readonly Window[]): (nowMs: number) => number {
  let fromMs = Number.POSITIVE_INFINITY
  let edgeMs = Number.NEGATIVE_INFINITY
  return (nowMs) => {
    if (nowMs >= fromMs && nowMs < edgeMs) return edgeMs
    fromMs = nowMs
    edgeMs = Math.min(...windows.map((window) => nextEdge(window, nowMs)), Number.POSITIVE_INFINITY)
    return edgeMs
  }
}

/** The moments at which it could open or close: its ends, and times of day in the days to come. */
function* marks({ clock, days, hours, fromMs, untilMs }: Window, nowMs: number): Generator<number> {
  if (fromMs !== undefined) yield fromMs
  if (untilMs !== undefined) yield untilMs
  if (days === undefined && hours === undefined) return
  const minutes = hours === undefined ? [0] : [hours.start, hours.end % DAY_MINUTES]
  const today = Date.parse(`${clock.at(nowMs).date}T00:00:00Z`)
  for (let ahead = 0; ahead <= DAYS_AHEAD; ahead += 1) {
    for (const minute of minutes) {
      const local = new Date(today + ahead * DAY_MS + minute * 60_000).toISOString()
      yield clock.momentOf(local.slice(0, 16))
    }
  }
}

function opensOn(days: ReadonlySet<number> | undefined, day: number): boolean {
  return days === undefined || days.has(day)
}
