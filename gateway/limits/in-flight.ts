/** How much one caller may have open at once, over all its tokens, sessions and servers. */
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import { createPartyNames } from './party.ts'

/** Told to a caller that is over its bound; calls end in seconds, so one is enough. */
const RETRY_AFTER_SECONDS = 1

/** Told to whoever is turned away for want of resources: they are looked at each second, and twice before it ends. */
export const SHED_RETRY_AFTER_SECONDS = 3

export type Occupation = 'call' | 'stream'

export type InFlight = {
  /**
   * Takes a place.
   *
   * @throws {Refusal} `rate_limited` when the caller has as many open as it may, `overloaded` for a stream
   *   while none are opened.
   */
  take(caller: Caller, occupation: Occupation): void
  /** Gives the place back; exactly once for each `take` that returned. */
  giveBack(caller: Caller, occupation: Occupation): void
  /** Parties remembered, those with nothing open included. */
  readonly remembered: number
}

type Places = { call: number; stream: number }

/**
 * Parties with nothing open that are remembered: deleting and adding one with each call would cost more
 * than the call's other bookkeeping together.
 */
const MAX_IDLE_PARTIES = 10_000

/**
 * Bounds are per (tenant, issuer, subject, client): another token of the same party shares them. All
 * anonymous callers are one party: nothing tells them apart that they could not make up.
 */
export function createInFlight(bounds: {
  readonly call: number
  readonly stream: number
  /** Whether the process has too much to do to open any more streams. */
  readonly shedsStreams: () => boolean
}): InFlight {
  const byParty = new Map<string, Places>()
  let idle = 0
  const dropIdle = (): void => {
    for (const [key, { call, stream }] of byParty) if (call + stream === 0) byParty.delete(key)
    idle = 0
  }
  const keyOf = createPartyNames()
  return {
    take(caller, occupation) {
      if (occupation === 'stream' && bounds.shedsStreams()) {
        const retryAfterSeconds = SHED_RETRY_AFTER_SECONDS
        throw new Refusal('overloaded', { detail: 'streams are turned away', retryAfterSeconds })
      }
      const key = keyOf(caller)
      const known = byParty.get(key)
      const places = known ?? { call: 0, stream: 0 }
      if (places[occupation] >= bounds[occupation]) {
        const detail = `${bounds[occupation]} ${occupation}s open`
        throw new Refusal('rate_limited', { detail, retryAfterSeconds: RETRY_AFTER_SECONDS })
      }
      if (known === undefined) byParty.set(key, places)
      else if (places.call + places.stream === 0) idle -= 1
      places[occupation] += 1
    },
    giveBack(caller, occupation) {
      const key = keyOf(caller)
      const places = byParty.get(key)
      if (places === undefined) return
      places[occupation] -= 1
      if (places.call + places.stream > 0) return
      idle += 1
      if (idle > MAX_IDLE_PARTIES) dropIdle()
    },
    get remembered() {
      return byParty.size
    },
  }
}
