/**
 * Wraps work that must not overlap: a call that comes while it runs waits for the end, and then the
 * work runs once more for all that came meanwhile.
 */
export function oneAtATime<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined
  let next: Promise<Result> | undefined
  const run = (): Promise<Result> => {
    next = undefined
    running = work().finally(() => (running = undefined))
    return running
  }
  return () => {
    if (running === undefined) return run()
    next ??= running.then(run, run)
    return next
  }
}
