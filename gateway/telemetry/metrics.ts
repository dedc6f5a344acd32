import { Registry } from 'prom-client'
import type { GatehouseEvent } from '../model/event.ts'
import type { Journey } from '../model/journey.ts'

export type MetricsOptions = {
  /** Version of Gatehouse, for `gatehouse_build_info`. */
  readonly version: string
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Distinct values a label may take (tools: per server) before `other` stands for the rest. */
  readonly maxLabelValues?: number
}

/** What the audit room says about itself, as far as it is measured. */
export type AuditGauges = {
  readonly ok: boolean
  readonly buffered: number
  readonly oldestMs: number
  readonly failures: number
  readonly lost: number
}

/** Values that are read when somebody scrapes. */
export type Gauges = {
  /** Open streams: one entry per server and kind (`get`, `post`, `listen`). */
  readonly streams?: () => Iterable<{
    readonly server: string
    readonly kind: string
    readonly open: number
  }>
  /** Open client connections. */
  readonly connections?: () => number
  readonly audit?: () => AuditGauges
}

export type Metrics = {
  /** Counts a visit that has ended. */
  journey(journey: Journey): void
  event(event: GatehouseEvent): void
  /** Says where the values come from that are read at scrape time. */
  observeOpen(gauges: Gauges): void
  /** The answer to `GET /metrics`. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>
}

export function createMetrics(options: MetricsOptions): Metrics {
  void options
  const registry = new Registry()
  return {
    journey: () => undefined,
    event: () => undefined,
    observeOpen: () => undefined,
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}
