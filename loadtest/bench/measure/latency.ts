/** The open-loop part: latency at a fixed rate, each variant against going there directly. */
import { CONNECTIONS, FALLBACK_RATE_PER_SECOND, RATE_PER_SECOND } from '../constants.ts'
import type { Bench, Contender } from '../bench.ts'
import type { OpenLoopResult } from '../generator/open-loop.ts'
import { badOnes } from '../generator/tally.ts'
import { shuffled } from '../random.ts'
import { median } from '../statistics.ts'
import type { Running } from '../variants/variant.ts'
import { DIRECT } from '../variants/direct.ts'

/** Above this share of requests left waiting, lost or refused, a rate counts as not held. */
const MAX_SHORTFALL = 0.01

/** Latency of one variant at one rate. */
export type Latency = {
  /** The rate it was measured at: the wanted one, or the fallback where that was not held. */
  readonly ratePerSecond: number
  /** Whether that rate was held. */
  readonly held: boolean
  /** Medians over rounds, milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Over going directly at the same rate in the same rounds. */
  readonly addedP50Ms: number
  readonly addedP99Ms: number
}

/** Results by variant name. Rates that are not held are measured again at the fallback rate. */
export async function measureLatency(
  bench: Bench,
  contenders: readonly Contender[],
): Promise<ReadonlyMap<string, Latency>> {
  const first = await atRate(bench, contenders, RATE_PER_SECOND)
  const direct = contenders.filter(({ variant }) => variant === DIRECT)
  const machineHolds = direct.every(({ variant }) => first.get(variant.name)?.held)
  const again = machineHolds
    ? contenders.filter(({ variant }) => first.get(variant.name)?.held === false)
    : contenders
  if (again.length === 0) return first
  bench.say(`  not held at ${RATE_PER_SECOND}/s, again at ${FALLBACK_RATE_PER_SECOND}/s`)
  const second = await atRate(
    bench,
    machineHolds ? [...direct, ...again] : again,
    FALLBACK_RATE_PER_SECOND,
  )
  const redone = again.map(({ variant }) => [variant.name, second.get(variant.name)] as const)
  const results = new Map(first)
  for (const [name, latency] of redone) if (latency !== undefined) results.set(name, latency)
  return results
}

async function atRate(
  bench: Bench,
  contenders: readonly Contender[],
  ratePerSecond: number,
): Promise<ReadonlyMap<string, Latency>> {
  const { latencyRounds } = bench.durations
  const collected = new Map<string, OpenLoopResult[]>()
  for (let round = 1; round <= latencyRounds; round++) {
    bench.say(`  round ${round}/${latencyRounds} at ${ratePerSecond}/s`)
    for (const { variant, running } of shuffled(contenders, bench.random)) {
      const result = await openLoopRound(bench, running, {
        ratePerSecond,
        seconds: bench.durations.openSeconds,
      })
      collected.set(variant.name, [...(collected.get(variant.name) ?? []), result])
    }
  }
  const direct = collected.get(DIRECT.name) ?? []
  return new Map(
    [...collected].map(([name, results]) => [name, summary(ratePerSecond, results, direct)]),
  )
}

/** How fast and how long. */
export type OpenLoopRoundPlan = { readonly ratePerSecond: number; readonly seconds: number }

/** One open-loop run with the bench's tokens and connections. */
export function openLoopRound(
  bench: Bench,
  { target }: Running,
  plan: OpenLoopRoundPlan,
): Promise<OpenLoopResult> {
  return bench.generator.run<'open_loop'>({
    kind: 'open_loop',
    target,
    tokensFile: bench.tokensFile,
    body: bench.call.body,
    plan: {
      ...plan,
      connections: CONNECTIONS,
      warmupSeconds: bench.durations.openWarmupSeconds,
      seed: Math.floor(bench.random() * 2 ** 32),
      expectedBytes: bench.call.answerBytes,
    },
  })
}

function summary(
  ratePerSecond: number,
  results: readonly OpenLoopResult[],
  direct: readonly OpenLoopResult[],
): Latency {
  const p50Ms = median(results.map((result) => result.p50Ms))
  const p99Ms = median(results.map((result) => result.p99Ms))
  return {
    ratePerSecond,
    held: median(results.map(shortfall)) <= MAX_SHORTFALL,
    p50Ms,
    p99Ms,
    addedP50Ms: p50Ms - median(direct.map((result) => result.p50Ms)),
    addedP99Ms: p99Ms - median(direct.map((result) => result.p99Ms)),
  }
}

function shortfall({ tally, backlogShare }: OpenLoopResult): number {
  return backlogShare + badOnes(tally) / (tally.good + badOnes(tally))
}
