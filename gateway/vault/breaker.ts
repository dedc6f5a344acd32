/** Providers that are down are left alone for a while, so that every call does not wait for their time-out. */

/** Failures in a row after which a provider is left alone. */
const FAILURES = 5

/** For so long; then one attempt tells whether it is back. */
const OPEN_MS = 30_000

export type Breaker = {
  /** Whether this provider may be asked now. */
  mayAsk(provider: string): boolean
  answered(provider: string): void
  failed(provider: string): void
}

type Count = { failures: number; openUntilMs: number }

/** @param now Epoch milliseconds. */
export function createBreaker(now: () => number): Breaker {
  // One entry for each configured provider.
  const counts = new Map<string, Count>()
  return {
    mayAsk: (provider) => now() >= (counts.get(provider)?.openUntilMs ?? 0),
    answered: (provider) => void counts.delete(provider),
    failed(provider) {
      const failures = (counts.get(provider)?.failures ?? 0) + 1
      const openUntilMs = failures >= FAILURES ? now() + OPEN_MS : 0
      counts.set(provider, { failures, openUntilMs })
    },
  }
}
