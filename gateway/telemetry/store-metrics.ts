import { LATENCY_SECONDS, METRICS } from './definitions.ts'
import { createHistogram } from './histogram.ts'
import type { MakeCounter } from './journey-metrics.ts'

export type StoreMetrics = {
  /** Operation and result are words of the program. */
  readonly count: (operation: string, result: string, durationMs: number) => void
  /** The histogram, in the text format. */
  readonly text: () => string
}

/** Counts operations of the state store, and how long they took. */
export function createStoreMetrics(counter: MakeCounter): StoreMetrics {
  const operations = counter(METRICS.storeOperations)
  const durations = createHistogram(METRICS.storeDuration, LATENCY_SECONDS)
  return {
    count(operation, result, durationMs) {
      operations.inc({ operation, result })
      durations.series([operation]).observe(durationMs / 1000)
    },
    text: durations.text,
  }
}
