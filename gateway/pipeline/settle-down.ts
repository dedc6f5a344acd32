import type { Journey } from '../model/journey.ts'
import type { Desk } from './desk.ts'

/** What the server asked of its client is over: the journey keeps what the caller asked. */
export function settleDown(journey: Journey, desk: Pick<Desk, 'settle'>): void {
  if (journey.calls.at(-1)?.call.direction !== 'down') return
  const settled = journey.calls.pop()
  if (settled !== undefined) desk.settle(journey, settled)
}
