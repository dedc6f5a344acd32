/** Ends what the tests of a file have started, so that nothing left behind keeps their process alive. */
import type { Server } from 'node:http'

/** What a test starts; undefined where its start was not reached. */
export type Started = { stop(): unknown } | { close(): unknown } | Server | undefined

/**
 * Ends all of them one after the other, whatever becomes of each.
 *
 * Rejects with what went wrong once all were tried.
 */
export async function stopAll(...started: readonly Started[]): Promise<void> {
  const errors: unknown[] = []
  for (const one of started) {
    try {
      await end(one)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'not everything ended well')
}

async function end(one: Started): Promise<void> {
  if (one === undefined) return
  if ('closeAllConnections' in one) {
    one.closeAllConnections()
    await new Promise((resolve) => one.close(resolve))
  } else await ('stop' in one ? one.stop() : one.close())
}
