/** The door to tracing: nothing of OpenTelemetry is loaded before it is opened. */
import type { Emit } from '../model/event.ts'
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
  /** Told when exports begin to fail (`trace_export_failed`). */
  readonly emit?: Emit
  /** A number from 0 to below 1, for sampling. */
  readonly random?: () => number
}

export type TraceStart = {
  /** 32 lower-case hexadecimal digits: the inbound trace, or a new one. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits: ours, to be sent up. */
  readonly spanId: string
  readonly sampled: true
}

export type Tracer = {
  /**
   * Decides at the start of a visit. Undefined when it is not recorded; the inbound context is then
   * passed on as it came.
   */
  startTrace(inbound: TraceContext | undefined): TraceStart | undefined
  /**
   * Makes the spans of a visit that has ended, one for each judged call; the first has the ids of
   * `startTrace` (`journey.traceId`, `journey.spanId`), further ones are its children. Does nothing
   * without them. Never throws.
   */
  journey(journey: Journey): void
  /** Sends what is left, for at most 3 s. Never rejects. */
  shutdown(): Promise<void>
}

/** Loads OpenTelemetry and starts a tracer; call it only when a collector is configured. */
export async function openTracing(options: TracerOptions): Promise<Tracer> {
  const { createTracer } = await import('./trace.ts')
  return createTracer(options)
}
