/** What happened, as numbers. Counts are made from journeys and events, gauges when somebody scrapes. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { GatehouseEvent } from '../model/event.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import { METRICS, type Definition } from './definitions.ts'
import { createEventMetrics } from './event-metrics.ts'
import { createStoreMetrics } from './store-metrics.ts'
import { createJourneyMetrics, type MakeCounter } from './journey-metrics.ts'

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

/** What of this process is in use, as far as it is measured. */
export type LoadGauges = {
  readonly pressure: { readonly sheds: 'nothing' | 'streams' | 'everything' }
  readonly usage: Readonly<Record<'loopDelayMs' | 'heap' | 'memory' | 'descriptors', number>>
}

/** How limits are shared, as far as it is measured. */
export type SharedLimitGauges = {
  readonly health: { readonly processes: number }
  readonly counts: Readonly<Record<'granted' | 'refused' | 'failed' | 'alone', number>>
}

/** Values that are read when somebody scrapes. */
export type Gauges = {
  /** Open streams: one entry per server and kind (`get`, `post`). */
  readonly streams?: () => Iterable<{
    readonly server: string
    readonly kind: string
    readonly open: number
  }>
  /** Open client connections. */
  readonly connections?: () => number
  readonly audit?: () => AuditGauges
  /** The eras of each server, in one word. */
  readonly eras?: () => Iterable<{ readonly server: string; readonly eras: string }>
  readonly load?: () => LoadGauges
  /** Undefined where limits are shared with nobody. */
  readonly sharedLimits?: (() => SharedLimitGauges | undefined) | undefined
  /** Accounts that people have connected. */
  readonly connected?: () => Iterable<{
    readonly provider: string
    readonly state: string
    readonly count: number
  }>
}

export type Metrics = {
  /** Counts a visit that has ended. */
  journey(journey: Journey): void
  /** Counts one call of a visit that goes on; the visit is counted without it. */
  call(journey: Journey, call: JourneyCall): void
  event(event: GatehouseEvent): void
  /** Counts an operation of the state store: which, `ok` or what went wrong, and how long it took. */
  store(operation: string, result: string, durationMs: number): void
  /** Says where the values come from that are read at scrape time; call it once. */
  observeOpen(gauges: Gauges): void
  /** The answer to `GET /metrics`. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>
}

/**
 * Distinct values of a label unless configured otherwise. Servers, issuers and rules are far fewer; a
 * server with more tools than this is better watched by its own metrics.
 */
export const DEFAULT_MAX_LABEL_VALUES = 500

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  const max = options.maxLabelValues ?? DEFAULT_MAX_LABEL_VALUES
  const counter: MakeCounter = (definition) => new Counter(settings(definition, registry))
  const gauge = (definition: Definition): Gauge => new Gauge(settings(definition, registry))
  collectDefaultMetrics({ register: registry })
  gauge(METRICS.build).set({ version: options.version, node: process.versions.node }, 1)
  const lastReload = gauge(METRICS.lastReload)
  const journeys = createJourneyMetrics({ counter, maxLabelValues: max })
  const events = createEventMetrics(counter, max)
  const store = createStoreMetrics(counter)
  return {
    journey: journeys.count,
    call: journeys.countCall,
    event(event) {
      events.count(event)
      const loaded = event.type === 'started' || (event.type === 'reload' && event.ok)
      if (loaded) lastReload.set(options.now() / 1000)
    },
    store: store.count,
    observeOpen: (gauges) => observe(gauges, registry),
    async render() {
      journeys.settle()
      events.settle()
      const text = await registry.metrics()
      return {
        contentType: registry.contentType,
        text: `${text}\n${journeys.text()}${store.text()}`,
      }
    },
  }
}

function observe(gauges: Gauges, registry: Registry): void {
  const { streams, connections, audit, connected, eras, load, sharedLimits } = gauges
  if (load !== undefined) observeLoad(load, registry)
  if (sharedLimits !== undefined) observeSharedLimits(sharedLimits, registry)
  if (connected !== undefined) {
    const gauge: Gauge = new Gauge({
      ...settings(METRICS.connections, registry),
      collect(): void {
        gauge.reset()
        for (const { provider, state, count } of connected()) gauge.set({ provider, state }, count)
      },
    })
  }
  if (streams !== undefined) {
    const gauge: Gauge = new Gauge({
      ...settings(METRICS.streamsOpen, registry),
      collect(): void {
        gauge.reset()
        for (const { server, kind, open } of streams()) gauge.set({ server, kind }, open)
      },
    })
  }
  if (connections !== undefined) value(METRICS.connectionsOpen, connections, registry)
  if (eras !== undefined) {
    const gauge: Gauge = new Gauge({
      ...settings(METRICS.serverEras, registry),
      collect(): void {
        gauge.reset()
        for (const labels of eras()) gauge.set(labels, 1)
      },
    })
  }
  if (audit === undefined) return
  value(METRICS.auditAccepting, () => (audit().ok ? 1 : 0), registry)
  value(METRICS.auditBuffered, () => audit().buffered, registry)
  value(METRICS.auditOldest, () => audit().oldestMs / 1000, registry)
  total(METRICS.auditFailures, () => audit().failures, registry)
  total(METRICS.auditLost, () => audit().lost, registry)
}

const OVERLOAD = { nothing: 0, streams: 1, everything: 2 } as const

function observeLoad(load: () => LoadGauges, registry: Registry): void {
  value(METRICS.overload, () => OVERLOAD[load().pressure.sheds], registry)
  value(METRICS.loopDelay, () => load().usage.loopDelayMs / 1000, registry)
  const used: Gauge = new Gauge({
    ...settings(METRICS.resourceUsed, registry),
    collect(): void {
      const { usage } = load()
      for (const resource of ['heap', 'memory', 'descriptors'] as const)
        used.set({ resource }, usage[resource])
    },
  })
}

function observeSharedLimits(read: () => SharedLimitGauges | undefined, registry: Registry): void {
  value(METRICS.sharedProcesses, () => read()?.health.processes ?? 0, registry)
  total(METRICS.sharedAlone, () => read()?.counts.alone ?? 0, registry)
  const draws: Counter = new Counter({
    ...settings(METRICS.sharedDraws, registry),
    collect(): void {
      draws.reset()
      for (const result of ['granted', 'refused', 'failed'] as const)
        draws.inc({ result }, read()?.counts[result] ?? 0)
    },
  })
}

/** A gauge that is read at scrape time. */
function value(definition: Definition, read: () => number, registry: Registry): void {
  const gauge: Gauge = new Gauge({
    ...settings(definition, registry),
    collect: () => gauge.set(read()),
  })
}

/** A counter that is kept elsewhere and read at scrape time. */
function total(definition: Definition, read: () => number, registry: Registry): void {
  const counter: Counter = new Counter({
    ...settings(definition, registry),
    collect() {
      counter.reset()
      counter.inc(read())
    },
  })
}

function settings(
  { name, help, labels }: Definition,
  registry: Registry,
): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
  return { name, help, labelNames: [...labels], registers: [registry] }
}
