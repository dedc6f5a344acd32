import type { Caller } from '../model/caller.ts'
import type { Desk } from './desk.ts'
import type { Visit } from './visit.ts'

/**
 * Step 3: one place among the caller's open calls or streams, for the whole visit. It is taken before
 * the body is read, since bodies that are sent slowly fill memory as calls that run slowly do.
 *
 * @throws {Refusal} `rate_limited` when the caller has as many open as it may.
 */
export function occupy(visit: Visit, caller: Caller, desk: Pick<Desk, 'inFlight'>): void {
  const occupation = visit.httpMethod === 'GET' && visit.side === undefined ? 'stream' : 'call'
  desk.inFlight.take(caller, occupation)
  visit.occupies = { caller, occupation }
}
