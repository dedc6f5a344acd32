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

/**
 * Kinds of calls that are counted apart before they are added to the counters; a kind is one set of all
 * label values together, so there are about as many as tools in use.
 */
const MAX_TALLIES = 5_000

/** Counts visits as they end; called for every one of them. */
export function createJourneyMetrics(options: {
  readonly counter: MakeCounter
  readonly maxLabelValues: number
}): JourneyMetrics {
  const { counter, maxLabelValues } = options
  const refusals = counter(METRICS.refusals)
  const serverLabel = createBoundedLabel(maxLabelValues)
  const calls = createCallMetrics(counter, maxLabelValues)
  const overhead = createOverhead()
  const upstream = createHistogram(METRICS.upstream, LATENCY_SECONDS)
  const upstreamOf = createSeriesByName(upstream)

  return {
    count(journey) {
      const server = journey.server === undefined ? NONE : serverLabel(journey.server)
      if (journey.calls.length === 0) calls.countNone(journey, server)
      for (const call of journey.calls) calls.count(journey, call, server)
      if (journey.refusal !== undefined) refusals.inc({ server, code: journey.refusal })
      overhead.observe(journey)
      if (journey.attempts > 0) upstreamOf(server).observe(journey.spentMs.upstream / 1000)
    },
    countCall(journey, call) {
      const server = journey.server === undefined ? NONE : serverLabel(journey.server)
      calls.count(journey, call, server)
    },
    settle: calls.settle,
    text: () => overhead.text() + upstream.text() + calls.text(),
  }
}

export type JourneyMetrics = {
  readonly count: (journey: Journey) => void
  /** Counts one call of a visit that goes on. */
  readonly countCall: (journey: Journey, call: JourneyCall) => void
  /** Brings the counters up to date; call it before they are read. */
  readonly settle: () => void
  /** The histograms, in the text format. */
  readonly text: () => string
}

/** Calls that are alike in every label: how many there were since the counters were told. */
type Tally = {
  count: number
  readonly request: Readonly<Record<'server' | 'method' | 'outcome' | 'kind', string>>
  readonly decision: Readonly<Record<'server' | 'effect' | 'rule', string>>
  readonly denial: Readonly<Record<'server' | 'reason', string>> | undefined
  readonly shadow: Readonly<Record<'server' | 'effect' | 'rule', string>> | undefined
  /** Calls of tools only. */
  readonly tool: Readonly<Record<'server' | 'tool' | 'outcome', string>> | undefined
  readonly duration: Series | undefined
}

/**
 * Counts calls by all their labels at once, which is one look-up per call; the counters are told the
 * sums when somebody scrapes.
 */
function createCallMetrics(counter: MakeCounter, maxLabelValues: number) {
  const requests = counter(METRICS.requests)
  const decisions = counter(METRICS.decisions)
  const denials = counter(METRICS.denials)
  const shadows = counter(METRICS.shadows)
  const toolCalls = counter(METRICS.toolCalls)
  const toolDuration = createHistogram(METRICS.toolDuration, LATENCY_SECONDS)
  const ruleLabel = createBoundedLabel(maxLabelValues)
  const toolLabels = new Map<string, BoundedLabel>()
  const tallies = new Map<string, Tally>()

  const toolLabel = (server: string, tool: string): string => {
    let label = toolLabels.get(server)
    if (label === undefined) {
      label = createBoundedLabel(maxLabelValues)
      toolLabels.set(server, label)
    }
    return label(tool)
  }
  const open = (journey: Journey, call: JourneyCall, server: string): Tally => {
    const outcome = outcomeOf(journey, call)
    const isTool = call.call.method === 'tools/call'
    const tool = isTool ? toolLabel(server, call.label) : NONE
    const ruleOf = (id: string | undefined): string => (id === undefined ? NONE : ruleLabel(id))
    const { shadow } = call
    return {
      count: 0,
      request: { server, method: methodLabel(call), outcome, kind: kindLabel(journey) },
      decision: { server, effect: call.effect, rule: ruleOf(call.rule) },
      denial: call.reason === undefined ? undefined : { server, reason: call.reason },
      shadow: shadow && { server, effect: shadow.effect, rule: ruleOf(shadow.rule) },
      tool: isTool ? { server, tool, outcome } : undefined,
      duration: isTool ? toolDuration.series([server, tool]) : undefined,
    }
  }
  const settle = (): void => {
    for (const tally of tallies.values()) {
      const { count, request, decision, denial, shadow, tool } = tally
      if (count === 0) continue
      requests.inc(request, count)
      decisions.inc(decision, count)
      if (denial !== undefined) denials.inc(denial, count)
      if (shadow !== undefined) shadows.inc(shadow, count)
      if (tool !== undefined) toolCalls.inc(tool, count)
      tally.count = 0
    }
    if (tallies.size >= MAX_TALLIES) tallies.clear()
  }

  return {
    count(journey: Journey, call: JourneyCall, server: string): void {
      const key = tallyKey(journey, call, server)
      let tally = tallies.get(key)
      if (tally === undefined) {
        if (tallies.size >= MAX_TALLIES) settle()
        tally = open(journey, call, server)
        tallies.set(key, tally)
      }
      tally.count += 1
      if (journey.attempts > 0) tally.duration?.observe(journey.durationMs / 1000)
    },
    countNone(journey: Journey, server: string): void {
      const outcome = outcomeOf(journey, undefined)
      requests.inc({ server, method: NONE, outcome, kind: kindLabel(journey) })
    },
    settle,
    text: () => toolDuration.text(),
  }
}

/** Everything a tally's labels are made from. The label comes last: no other part holds a newline. */
function tallyKey(journey: Journey, call: JourneyCall, server: string): string {
  const { method, kind } = call.call
  const outcome = outcomeOf(journey, call)
  const shadow = call.shadow === undefined ? '' : `${call.shadow.effect} ${call.shadow.rule}`
  return `${server}\n${shadow}\n${call.rule}\n${call.effect}\n${call.reason}\n${outcome}\n${kindLabel(journey)}\n${kind}\n${method}\n${call.label}`
}

function kindLabel({ caller }: Journey): string {
  return caller === undefined ? NONE : caller.kind
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
