import type { Counter } from 'prom-client'
import type { Journey, JourneyCall, Stage } from '../model/journey.ts'
import { outcomeOf } from '../model/outcome.ts'
import {
  KNOWN_METHODS,
  LATENCY_SECONDS,
  METRICS,
  OVERHEAD_SECONDS,
  type Definition,
} from './definitions.ts'
import { createHistogram, type Histogram, type Series } from './histogram.ts'
import { createBoundedLabel, OTHER, type BoundedLabel } from './labels.ts'

/** Makes a counter of the table, on the one registry. */
export type MakeCounter = (definition: Definition) => Counter

/** The stages that are the gateway's own; `upstream` is the server's time. */
const OVERHEAD_STAGES = [
  'route',
  'authenticate',
  'judge',
  'record',
  'swap',
] as const satisfies Stage[]

/** Label value where there is nothing to name: no server, no call, no rule, no caller. */
const NONE = 'none'

/** Counts visits as they end; called for every one of them. */
export function createJourneyMetrics(options: {
  readonly counter: MakeCounter
  readonly maxLabelValues: number
}): { readonly count: (journey: Journey) => void; readonly text: () => string } {
  const { counter, maxLabelValues } = options
  const requests = counter(METRICS.requests)
  const refusals = counter(METRICS.refusals)
  const serverLabel = createBoundedLabel(maxLabelValues)
  const calls = createCallMetrics(counter, maxLabelValues)
  const overhead = createOverhead()
  const upstream = createHistogram(METRICS.upstream, LATENCY_SECONDS)
  const upstreamOf = createSeriesByName(upstream)

  return {
    count(journey) {
      const server = journey.server === undefined ? NONE : serverLabel(journey.server)
      const kind = journey.caller?.kind ?? NONE
      if (journey.calls.length === 0) {
        requests.inc({ server, method: NONE, outcome: outcomeOf(journey, undefined), kind })
      }
      for (const call of journey.calls) {
        const outcome = outcomeOf(journey, call)
        requests.inc({ server, method: methodLabel(call), outcome, kind })
        calls.count(journey, { call, server, outcome })
      }
      if (journey.refusal !== undefined) refusals.inc({ server, code: journey.refusal })
      overhead.observe(journey)
      if (journey.attempts > 0) upstreamOf(server).observe(journey.spentMs.upstream / 1000)
    },
    text: () => overhead.text() + upstream.text() + calls.text(),
  }
}

type JudgedCall = {
  readonly call: JourneyCall
  readonly server: string
  readonly outcome: string
}

function createCallMetrics(counter: MakeCounter, maxLabelValues: number) {
  const decisions = counter(METRICS.decisions)
  const denials = counter(METRICS.denials)
  const toolCalls = counter(METRICS.toolCalls)
  const toolDuration = createHistogram(METRICS.toolDuration, LATENCY_SECONDS)
  const ruleLabel = createBoundedLabel(maxLabelValues)
  const servers = new Map<string, { readonly label: BoundedLabel; readonly tools: SeriesByName }>()

  const toolsOf = (server: string) => {
    let tools = servers.get(server)
    if (tools === undefined) {
      tools = {
        label: createBoundedLabel(maxLabelValues),
        tools: createSeriesByName(toolDuration, server),
      }
      servers.set(server, tools)
    }
    return tools
  }

  return {
    count(journey: Journey, { call, server, outcome }: JudgedCall): void {
      const rule = call.rule === undefined ? NONE : ruleLabel(call.rule)
      decisions.inc({ server, effect: call.effect, rule })
      if (call.reason !== undefined) denials.inc({ server, reason: call.reason })
      if (call.call.method !== 'tools/call') return
      const { label, tools } = toolsOf(server)
      const tool = label(call.label)
      toolCalls.inc({ server, tool, outcome })
      if (journey.attempts > 0) tools(tool).observe(journey.durationMs / 1000)
    },
    text: () => toolDuration.text(),
  }
}

function createOverhead(): {
  readonly observe: (journey: Journey) => void
  readonly text: () => string
} {
  const histogram = createHistogram(METRICS.overhead, OVERHEAD_SECONDS)
  const stages = OVERHEAD_STAGES.map((stage) => ({ stage, series: histogram.series([stage]) }))
  const total = histogram.series(['total'])
  return {
    observe({ spentMs }) {
      let sumMs = 0
      for (const { stage, series } of stages) {
        const ms = spentMs[stage]
        // A stage that was not reached took no time; counting it would make the others look fast.
        if (ms > 0) series.observe(ms / 1000)
        sumMs += ms
      }
      total.observe(sumMs / 1000)
    },
    text: () => histogram.text(),
  }
}

type SeriesByName = (name: string) => Series

/** Finds a series by its last label value without making a key of all of them. */
function createSeriesByName(histogram: Histogram, ...before: readonly string[]): SeriesByName {
  const known = new Map<string, Series>()
  return (name) => {
    let series = known.get(name)
    if (series === undefined) {
      series = histogram.series([...before, name])
      known.set(name, series)
    }
    return series
  }
}

/** The method where the specification knows it; what is no method is named by its kind. */
function methodLabel({ call }: JourneyCall): string {
  if (call.method === '') return call.kind
  return KNOWN_METHODS.has(call.method) ? call.method : OTHER
}
