/**
 * Has requests that cost much begin one at a time, each in a turn of the event loop of its own: calls that came
 * meanwhile go in between, instead of waiting until a whole fleet has registered.
 */
export type Turns = () => Promise<void>

/**
 * Makes the function that resolves when it is the caller's turn, in the order of asking.
 *
 * @param later Runs something after what has come in was read.
 */
export function createTurns(later: (work: () => void) => void = setImmediate): Turns {
  const waiting: (() => void)[] = []
  const next = (): void => {
    waiting.shift()?.()
    if (waiting.length > 0) later(next)
  }
  return () =>
    new Promise((begin) => {
      if (waiting.push(begin) === 1) later(next)
    })
}
