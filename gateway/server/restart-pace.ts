/** How soon a process that has ended is started again: at once, and slower while it keeps ending. */

/** The first of several restarts waits this long, in milliseconds, and each next one twice as long. */
const FIRST_DELAY_MS = 100

/** Never longer than this, so that what was mended is noticed. */
export const MAX_DELAY_MS = 30_000

/** One that has run for this long, in milliseconds, has not failed at starting. */
const STEADY_AFTER_MS = 60_000

export type RestartPace = {
  /** Milliseconds until the next start. @param livedMs How long the one that ended has run. */
  ended(livedMs: number): number
}

export function createRestartPace(): RestartPace {
  let failures = 0
  return {
    ended(livedMs) {
      failures = livedMs >= STEADY_AFTER_MS ? 0 : failures + 1
      if (failures <= 1) return 0
      return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 2))
    },
  }
}
