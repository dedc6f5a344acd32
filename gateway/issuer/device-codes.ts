/** How many codes of devices may be tried from one place: who guesses one acts for somebody else (RFC 8628 §5.1). */
import type { ServerResponse } from 'node:http'

import { networkOf } from '../model/network-of.ts'
import type { Store } from '../model/store.ts'
import type { PageAnswer } from '../pages/page.ts'
import { waitPage } from './wait-page.ts'

/** Wrong codes from one network in `WINDOW_MS`. Right ones are free: many people may be behind one address. */
const MAX_WRONG = 60
const WINDOW_MS = 15 * 60_000

/** A form of the device page that came to nothing is answered with this, or more. */
const FIRST_REFUSAL = 400

export type DeviceCodes = {
  /** Whether one more code may be tried from here; what is answered says whether it was right. */
  mayTry(address: string, response: Pick<ServerResponse, 'once' | 'statusCode'>): Promise<boolean>
}

export function createDeviceCodes(store: Pick<Store, 'count'>): DeviceCodes {
  return {
    mayTry: async (address, response) => {
      const tried = (by: number): Promise<number> =>
        store.count(`device-codes/${networkOf(address)}`, by, WINDOW_MS)
      // Counted before it is looked at, so that many at once are no way around the bound.
      if ((await tried(1)) > MAX_WRONG) return false
      response.once('close', () => {
        // A store that is away forgets that it was right: the bound is reached sooner.
        if (response.statusCode < FIRST_REFUSAL) tried(-1).catch(() => undefined)
      })
      return true
    },
  }
}

/** The answer to one too many. */
export function tooManyCodes(): PageAnswer {
  return waitPage({
    status: 429,
    title: 'Too many codes were tried from here',
    text: 'You, or somebody on the same network, typed many codes that were wrong. No code from there counts for a while.',
    next: 'try again',
    retryAfterSeconds: WINDOW_MS / 1_000,
  })
}
