/** Has each request of a test served by another worker than the one before. */

import { eventually } from './eventually.ts'

const plainFetch = fetch

/** From now on `fetch` opens a connection for each request, and connections go to workers in turns. */
export function takeTurns(): void {
  if (fetch !== fetchOnce) Object.assign(globalThis, { fetch: fetchOnce })
}

/**
 * Checks what holds at once in the process that has learned of it, and in the others within a second: once, or
 * until it holds where requests take turns.
 */
export async function checkInTurns(check: () => Promise<void>): Promise<void> {
  await (fetch === fetchOnce ? eventually(check) : check())
}

const fetchOnce: typeof fetch = (to, init) => {
  const headers = new Headers(init?.headers ?? (to instanceof Request ? to.headers : undefined))
  headers.set('connection', 'close')
  return plainFetch(to, { ...init, headers })
}
