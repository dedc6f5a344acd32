/** Which calls count as a use of the grant they are allowed under. */
import type { Call } from '../model/call.ts'

/** What asks about something, prepares it or takes it back, and does nothing by itself. */
const NO_USE: ReadonlySet<string> = new Set(['completion/complete', 'resources/unsubscribe'])

/** A task was counted when it was made; asking about it is free. */
export function isUse({ kind, method, targets, direction }: Call): boolean {
  return (
    direction === 'up' && kind === 'request' && !NO_USE.has(method) && targets[0]?.kind !== 'task'
  )
}
