/** Going down without losing anything: calls finish, streams end politely, records are written. */
import type { Generation } from './generation.ts'
import type { HttpVisit } from './http-visit.ts'
import { isListening } from './listening.ts'
import type { Listener } from './listen.ts'
import type { Sockets } from './sockets.ts'

/** How often it is looked whether the last call has finished. */
const LOOK_EVERY_MS = 50

export type DrainOptions = {
  readonly listener: Listener
  readonly generations: () => Iterable<Generation>
  /** Visits that are being answered. */
  readonly answering: ReadonlySet<HttpVisit>
  readonly sockets: Pick<Sockets, 'drain' | 'cut'>
  readonly drainSeconds: number
}

/**
 * Stops accepting, ends listening streams and silent WebSockets at once, gives running calls
 * `drainSeconds`, then cuts the rest. Resolves when no connection is left.
 */
export async function drain(options: DrainOptions): Promise<void> {
  const { listener, answering, sockets } = options
  const closed = listener.close()
  sockets.drain()
  for (const visit of answering) {
    if (isListening(visit.journey.calls[0])) visit.endStream('shutdown')
  }
  const look = setInterval(() => listener.closeIdle(), LOOK_EVERY_MS)
  const late = setTimeout(() => {
    for (const visit of answering) visit.endStream('shutdown')
    sockets.cut()
    // Their last words are written when this turn of the event loop ends.
    setImmediate(listener.cut)
  }, options.drainSeconds * 1_000)
  await closed
  clearInterval(look)
  clearTimeout(late)
  for (const { conversations, sides } of options.generations()) {
    await conversations.destroy()
    sides.close()
  }
}
