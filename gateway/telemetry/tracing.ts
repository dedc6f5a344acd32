import type { Journey, TraceContext } from '../model/journey.ts'
import type { Secret } from '../model/secret.ts'

export type TracerOptions = {
  /** Collector base URL; `/v1/traces` is appended. */
  readonly endpoint: string
  readonly headers: ReadonlyMap<string, Secret>
  /** Share of new traces recorded, 0..1; a sampled inbound trace is always recorded. */
  readonly sampleRatio: number
  /** Version of Gatehouse. */
  readonly version: string
  /** The audit instance, so that spans and records can be matched. */
  readonly instance: string
  /** How much of the caller spans name: its kind (default), or issuer, subject and client too. */
  readonly identify?: 'kind' | 'subject'
}

export type TraceStart = {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: true
}

export type Tracer = {
  /** Decides at the start of a visit; undefined when it is not recorded. */
  startTrace(inbound: TraceContext | undefined): TraceStart | undefined
  /** Makes the spans of a visit that has ended; does nothing without `journey.spanId`. */
  journey(journey: Journey): void
  /** Sends what is left, for at most 3 s. Never rejects. */
  shutdown(): Promise<void>
}

/** Loads OpenTelemetry and starts a tracer; call it only when a collector is configured. */
export async function openTracing(options: TracerOptions): Promise<Tracer> {
  const { createTracer } = await import('./trace.ts')
  return createTracer(options)
}
