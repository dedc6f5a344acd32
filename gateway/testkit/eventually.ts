import { setTimeout as pause } from 'node:timers/promises'

/** How often it is tried, in milliseconds. */
const EVERY_MS = 25

/** More than a busy machine needs; what becomes true costs nothing of it. */
const MOSTLY_ENOUGH_MS = 20_000

/**
 * Repeats a check until it does not throw any more, and returns what it returned.
 * @param withinMs After this long the last error is thrown.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  withinMs = MOSTLY_ENOUGH_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await pause(EVERY_MS)
  }
}
