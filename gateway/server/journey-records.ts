/** What becomes of a journey: the audit, the metrics and the trace are made from it when it ends. */
import type { Audit } from '../audit/audit.ts'
import type { InFlight } from '../limits/in-flight.ts'
import type { Journey, JourneyCall } from '../model/journey.ts'
import type { Visit } from '../pipeline/visit.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Tracer } from '../telemetry/tracing.ts'
import type { RecentCalls } from './recent-calls.ts'

/** Called where a journey begins and ends; none of it waits. */
export type JourneyRecords = {
  /** Gives a journey its span, where it is traced. */
  readonly startTrace: (journey: Journey) => void
  /** Ends one call of a visit that goes on: what a server asked its client on the stream of an answer. */
  readonly settle: (journey: Journey, call: JourneyCall) => void
  /** Ends a visit, and gives its place back. */
  readonly finish: (visit: Pick<Visit, 'journey' | 'occupies'>) => void
}

export type JourneyRecordsOptions = {
  readonly audit: Pick<Audit, 'outcome'>
  readonly metrics: Pick<Metrics, 'call' | 'journey'>
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined
  readonly inFlight: Pick<InFlight, 'giveBack'>
  readonly recentCalls: Pick<RecentCalls, 'note'>
  /** Monotonic milliseconds. */
  readonly tick: () => number
}

export function createJourneyRecords(options: JourneyRecordsOptions): JourneyRecords {
  const { audit, metrics, tracer, inFlight, recentCalls, tick } = options
  return {
    startTrace: (journey) => {
      const started = tracer?.startTrace(journey.trace)
      journey.traceId = started?.traceId
      journey.spanId = started?.spanId
    },
    settle: (journey, call) => {
      const own = journeyOf(journey, call, tracer)
      own.durationMs = tick() - journey.startedTick
      audit.outcome(own)
      metrics.call(own, call)
      tracer?.journey(own)
    },
    finish: (visit) => {
      const { journey, occupies } = visit
      if (occupies !== undefined) inFlight.giveBack(occupies.caller, occupies.occupation)
      journey.durationMs = tick() - journey.startedTick
      recentCalls.note(journey)
      audit.outcome(journey)
      metrics.journey(journey)
      tracer?.journey(journey)
    },
  }
}

/** A call of a visit that goes on, as a record of its own; its span is a child of the visit's. */
function journeyOf(journey: Journey, call: JourneyCall, tracer: Tracer | undefined): Journey {
  const { traceId, spanId, trace } = journey
  if (traceId === undefined || spanId === undefined) return { ...journey, calls: [call] }
  const parent = { traceId, parentId: spanId, sampled: true, state: trace?.state }
  const own = tracer?.startTrace(parent)
  return { ...journey, calls: [call], trace: parent, spanId: own?.spanId }
}
