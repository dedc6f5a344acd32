import { Refusal } from '../model/refusal.ts'

/** Those who wait for lines to be written; who waits for the same write shares one promise. */
export type Waiters = {
  /** @param upTo Number of the last line it waits for. */
  wait(upTo: number): Promise<void>
  /** What is waited for from now on is another write. */
  part(): void
  /** Resolves for all whose lines are written. */
  settle(written: number): void
  /** Rejects for all, with a Refusal `audit_unavailable`. */
  refuse(cause: unknown): void
}

type Group = { upTo: number; readonly done: PromiseWithResolvers<void> }

export function createWaiters(): Waiters {
  let groups: Group[] = []
  let open: Group | undefined
  return {
    wait(upTo) {
      if (open === undefined) {
        open = { upTo, done: Promise.withResolvers() }
        // Whoever asked may be gone by the time it fails.
        open.done.promise.catch(() => undefined)
        groups.push(open)
      }
      open.upTo = upTo
      return open.done.promise
    },
    part() {
      open = undefined
    },
    settle(written) {
      const done = groups.filter((group) => group.upTo <= written)
      groups = groups.filter((group) => group.upTo > written)
      for (const group of done) group.done.resolve()
    },
    refuse(cause) {
      const refused = groups
      groups = []
      open = undefined
      const refusal = new Refusal('audit_unavailable', { detail: String(cause), cause })
      for (const group of refused) group.done.reject(refusal)
    },
  }
}
