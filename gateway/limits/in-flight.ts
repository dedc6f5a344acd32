/** How much one caller may have open at once, over all its tokens, sessions and servers. */
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'

/** Told to a caller that is over its bound; calls end in seconds, so one is enough. */
const RETRY_AFTER_SECONDS = 1

export type Occupation = 'call' | 'stream'

export type InFlight = {
  /** Takes a place. @throws {Refusal} `rate_limited` when the caller has as many open as it may. */
  take(caller: Caller, occupation: Occupation): void
  /** Gives the place back; exactly once for each `take` that returned. */
  giveBack(caller: Caller, occupation: Occupation): void
}

type Places = { call: number; stream: number }

/**
 * Bounds are per (tenant, issuer, subject, client): another token of the same party shares them. All
 * anonymous callers are one party: nothing tells them apart that they could not make up.
 */
export function createInFlight(bounds: {
  readonly call: number
  readonly stream: number
}): InFlight {
  const byParty = new Map<string, Places>()
  const byCaller = new WeakMap<Caller, string>()
  const keyOf = (caller: Caller): string => {
    let key = byCaller.get(caller)
    if (key === undefined) {
      key = JSON.stringify([caller.tenant, caller.issuer, caller.subject, caller.client])
      byCaller.set(caller, key)
    }
    return key
  }
  return {
    take(caller, occupation) {
      const key = keyOf(caller)
      const places = byParty.get(key) ?? { call: 0, stream: 0 }
      if (places[occupation] >= bounds[occupation]) {
        const detail = `${bounds[occupation]} ${occupation}s open`
        throw new Refusal('rate_limited', { detail, retryAfterSeconds: RETRY_AFTER_SECONDS })
      }
      places[occupation] += 1
      byParty.set(key, places)
    },
    giveBack(caller, occupation) {
      const key = keyOf(caller)
      const places = byParty.get(key)
      if (places === undefined) return
      places[occupation] -= 1
      if (places.call <= 0 && places.stream <= 0) byParty.delete(key)
    },
  }
}
