/**
 * Spans, made from journeys when they end and sent by OTLP over HTTP. This file loads OpenTelemetry:
 * only `tracing.ts` imports it, and only when a collector is configured. Nothing runs on the path of a
 * call but the choice of its ids.
 */
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type ExportResult, ExportResultCode, TraceState } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  RandomIdGenerator,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Journey, JourneyCall, TraceContext } from '../model/journey.ts'
import { errorType, spanAttributes, spanName } from './span.ts'
import type { Tracer, TracerOptions } from './tracing.ts'

/** Spans waiting to be sent; above it new ones are dropped, calls are not. */
export const MAX_QUEUED_SPANS = 2_048

/** Spans of one request to the collector. */
const MAX_BATCH_SPANS = 512

/** How long spans wait for company, in milliseconds. */
const BATCH_DELAY_MS = 2_000

/** How long the collector may take for one request, in milliseconds. */
const EXPORT_TIMEOUT_MS = 5_000

/** Requests to the collector at a time: a shutdown sends a full queue at once. */
const MAX_EXPORTS = 1 + MAX_QUEUED_SPANS / MAX_BATCH_SPANS

/** How long a shutdown waits for the collector, in milliseconds. */
export const SHUTDOWN_MS = 3_000

/** W3C Trace Context §3.2.2.5: the caller records this trace. */
const SAMPLED = 1

/** As a number: the exporter brings its own copy of the enum. */
const SUCCESS: number = ExportResultCode.SUCCESS

export function createTracer(options: TracerOptions): Tracer {
  const random = options.random ?? Math.random
  const ids = createIds()
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    idGenerator: ids,
    resource: resourceFromAttributes({
      'service.name': 'gatehouse',
      'service.version': options.version,
      'service.instance.id': options.instance,
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: createExporter(options),
        maxQueueSize: MAX_QUEUED_SPANS,
        maxExportBatchSize: MAX_BATCH_SPANS,
        scheduledDelayMillis: BATCH_DELAY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('gatehouse', options.version)

  const record = (journey: Journey, call: JourneyCall, parent: Context): void => {
    const span = tracer.startSpan(
      spanName(call),
      {
        kind: call.call.direction === 'down' ? SpanKind.CLIENT : SpanKind.SERVER,
        startTime: hrTime(journey.startedAtMs),
        attributes: spanAttributes(journey, call, options.identify ?? 'kind'),
      },
      parent,
    )
    if (errorType(journey, call) !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(hrTime(journey.startedAtMs + Math.max(0, journey.durationMs)))
  }

  return {
    startTrace(inbound) {
      const sampled = inbound === undefined ? random() < options.sampleRatio : inbound.sampled
      if (!sampled) return undefined
      const traceId = inbound?.traceId ?? ids.newTraceId()
      return { traceId, spanId: ids.newSpanId(), sampled }
    },
    journey(journey) {
      const { traceId, spanId, calls } = journey
      const [first, ...others] = calls
      if (traceId === undefined || spanId === undefined || first === undefined) return
      ids.next = { traceId, spanId }
      record(journey, first, parentOf(journey.trace))
      ids.next = undefined
      if (others.length === 0) return
      const own = contextOf({ traceId, parentId: spanId, state: journey.trace?.state })
      for (const call of others) record(journey, call, own)
    },
    shutdown: () => within(SHUTDOWN_MS, provider.shutdown()),
  }
}

/** Hands the SDK the ids that were sent up long before the span is made. */
function createIds() {
  const random = new RandomIdGenerator()
  const ids = {
    next: undefined as { readonly traceId: string; readonly spanId: string } | undefined,
    generateTraceId: () => ids.next?.traceId ?? random.generateTraceId(),
    generateSpanId: () => ids.next?.spanId ?? random.generateSpanId(),
    newTraceId: () => random.generateTraceId(),
    newSpanId: () => random.generateSpanId(),
  }
  return ids
}

/** The OTLP exporter; tells once when the collector cannot be reached, and again after it could. */
function createExporter({ endpoint, headers, emit }: TracerOptions): SpanExporter {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: () => {
      const revealed = [...headers].map(([name, value]) => [name, value.reveal()] as const)
      return Promise.resolve(Object.fromEntries(revealed))
    },
    timeoutMillis: EXPORT_TIMEOUT_MS,
    concurrencyLimit: MAX_EXPORTS,
  })
  let failing = false
  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      exporter.export(spans, (result) => {
        const code: number = result.code
        const failed = code !== SUCCESS
        const error = result.error ?? new Error('the collector refused')
        if (failed && !failing) {
          emit?.({ type: 'warning', what: 'trace_export_failed', detail: error.message })
        }
        failing = failed
        done(failed ? { code: ExportResultCode.FAILED, error } : { code: ExportResultCode.SUCCESS })
      })
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  }
}

function parentOf(inbound: TraceContext | undefined): Context {
  return inbound === undefined ? ROOT_CONTEXT : contextOf(inbound)
}

function contextOf(parent: Pick<TraceContext, 'traceId' | 'parentId' | 'state'>): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.traceId,
    spanId: parent.parentId,
    traceFlags: SAMPLED,
    isRemote: true,
    ...(parent.state === undefined ? {} : { traceState: new TraceState(parent.state) }),
  })
}

/** Seconds and nanoseconds: the SDK would take small numbers for time since the process started. */
function hrTime(epochMs: number): [number, number] {
  const seconds = Math.floor(epochMs / 1000)
  return [seconds, Math.round((epochMs - seconds * 1000) * 1e6)]
}

/** Resolves when `work` has settled either way, or after `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work.catch(() => undefined), late])
  clearTimeout(timer)
}
