/** What a run of a scenario saw, whichever driver made it. */

/** One answer. */
export type Answer = {
  /** Whole seconds since the run began. */
  readonly second: number
  readonly tookMs: number
}

export type Run = {
  readonly answers: readonly Answer[]
  /** By what was asked: how many answers were the right ones, and how many were not. */
  readonly verdicts: ReadonlyMap<string, Verdicts>
  /** Visits that could not begin in time. */
  readonly notBegun: number
}

export type Verdicts = {
  readonly good: number
  readonly bad: number
  /** The first bad one, where the driver can tell. */
  readonly example: string | undefined
}

const NONE: Verdicts = { good: 0, bad: 0, example: undefined }

/** Counts verdicts. */
export class Tally {
  readonly #verdicts = new Map<string, Verdicts>()

  /** @param example What came back, for people; kept if it is the first bad one. */
  count(name: string, isGood: boolean, example?: () => string): void {
    const { good, bad, ...known } = this.#verdicts.get(name) ?? NONE
    const first = known.example ?? (isGood ? undefined : example?.())
    this.#verdicts.set(name, {
      good: good + (isGood ? 1 : 0),
      bad: bad + (isGood ? 0 : 1),
      example: first,
    })
  }

  get verdicts(): ReadonlyMap<string, Verdicts> {
    return this.#verdicts
  }
}
