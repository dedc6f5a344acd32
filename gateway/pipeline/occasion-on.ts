import type { Permit } from '../model/permit.ts'
import type { Occasion } from '../policy/occasion.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'

/** The occasion on which something of the permit's server is shown to its caller. */
export function occasionOn(
  { permit, seat }: { readonly permit: Permit; readonly seat: Seat },
  { now, facts }: Pick<Desk, 'now' | 'facts'>,
): Occasion {
  const { address } = seat.journey
  return { server: permit.server.name, nowMs: now(), address, frame: undefined, facts }
}
