/**
 * Has requests that cost much begin one at a time, each in a turn of the event loop of its own: calls that came
 * meanwhile go in between, instead of waiting until a whole fleet has registered.
 */
import { Queue } from '../model/queue.ts'

export type Turns = () => Promise<void>

/**
 * Makes the function that resolves when it is the caller's turn, in the order of asking.
 *
 * @param later Runs something after what has come in was read.
 */
export function createTurns(later: (work: () => void) => void = setImmediate): Turns {
  const waiting = new Queue<() => void>()
  const next = (): void => {
    waiting.take()?.()
    if (waiting.size > 0) later(next)
  }
  return () =>
    new Promise((begin) => {
      waiting.add(begin)
      if (waiting.size === 1) later(next)
    })
}
