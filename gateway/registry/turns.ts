/**
 * Returns a function that runs tasks one after another, in the order they came, so that none reads
 * what another has half written. A task that fails does not keep the next one from running.
 */
export function createTurns(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const mine = last.then(task)
    last = mine.catch(() => undefined)
    return mine
  }
}
