/**
 * How fast a server may ask things of its client on one stream or connection, pings among them. Each
 * request is judged and has two records, and records that come faster than they are written would hold up
 * everybody's calls.
 */

import type { Emit } from '../model/event.ts'

/** Requests at once, as when a tool has many samples made. */
const AT_ONCE = 50

/** Requests a second after that; a server that looks whether its client is there needs one in ten seconds. */
const PER_SECOND = 5

/** Whether one more may pass now; it counts when it may. */
export type Pace = () => boolean

type PaceOptions = {
  readonly server: string
  /** Monotonic milliseconds. */
  readonly tick: () => number
  readonly emit: Emit
}

/** Operators are warned once of a server that does not keep it. */
export function createPace({ server, tick, emit }: PaceOptions): Pace {
  let warned = false
  let left = AT_ONCE
  let sinceTick = tick()
  return () => {
    const now = tick()
    left = Math.min(AT_ONCE, left + ((now - sinceTick) / 1_000) * PER_SECOND)
    sinceTick = now
    if (left >= 1) {
      left -= 1
      return true
    }
    if (!warned) {
      const detail = `server ${server} asks its client too much at once`
      emit({ type: 'warning', what: 'server_asks_too_fast', detail })
    }
    warned = true
    return false
  }
}
