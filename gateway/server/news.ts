/** What the gateway itself has to say on one open stream, paced: clients answer it by asking for whole lists. */

/** The same message is said at most this often on one stream, in milliseconds. */
export const PACE_MS = 5_000

/** At most added to the pace, in milliseconds: streams that are told together do not stay in step. */
export const JITTER_MS = 1_000

/** Messages that wait for their time; a message that waits already is not said twice. */
export class News {
  readonly #random: () => number
  readonly #waiting = new Set<string>()
  /** Of what was said: monotonic milliseconds before which it is not said again. What has rested is forgotten. */
  readonly #restsUntilTick = new Map<string, number>()

  /** @param random From 0 to 1, for the jitter. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** @param message Whole, as it is said. */
  add(message: string): void {
    this.#waiting.add(message)
  }

  /**
   * Returns what may be said now and takes it for said; the rest goes on waiting.
   *
   * @param tick Monotonic milliseconds.
   */
  take(tick: number): readonly string[] {
    const due = [...this.#waiting].filter((it) => (this.#restsUntilTick.get(it) ?? tick) <= tick)
    if (due.length === 0) return due
    for (const [message, restsUntil] of this.#restsUntilTick) {
      if (restsUntil <= tick) this.#restsUntilTick.delete(message)
    }
    for (const message of due) {
      this.#waiting.delete(message)
      this.#restsUntilTick.set(message, tick + PACE_MS + this.#random() * JITTER_MS)
    }
    return due
  }
}
