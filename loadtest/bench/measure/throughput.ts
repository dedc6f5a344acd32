/** The closed-loop part: every variant in every round, each round in a new random order. */
import { truncateSync } from 'node:fs'
import type { Bench, Contender, Question } from '../bench.ts'
import { shuffled } from '../random.ts'
import { lowerQuartile, median } from '../statistics.ts'
import { closedLoopRound } from './closed-loop.ts'
import type { Round } from './closed-loop.ts'
import { residentKb } from './process-tree.ts'

/** After this many calls V8 has compiled the whole path; slow proxies get a few rounds at most. */
const WARMUP_CALLS = 40_000
const MAX_WARMUP_ROUNDS = 4

/** What all closed-loop rounds of one variant say together. */
export type Throughput = {
  /** Median over rounds. */
  readonly requestsPerSecond: number
  /** Processor time per call: lower quartile and median over rounds. */
  readonly microsPerCall: { readonly p25: number; readonly median: number } | undefined
  /** Resident memory after the last round. */
  readonly residentMb: number | undefined
  /** Of the time it wanted to run, how much it waited for its core; median over rounds. */
  readonly waitedShare: number
  /** Share of answers that were no authorised calls. */
  readonly badShare: number
}

/** Who takes part, what is asked, how often and how long. */
export type ThroughputPlan = {
  readonly contenders: readonly Contender[]
  readonly question: Question
  readonly rounds: number
  readonly seconds: number
}

/** Results by variant name. */
export async function measureThroughput(
  bench: Bench,
  { contenders, question, rounds, seconds }: ThroughputPlan,
): Promise<ReadonlyMap<string, Throughput>> {
  const collected = new Map<string, Round[]>()
  for (let round = 1; round <= rounds; round++) {
    const order = shuffled(contenders, bench.random)
    bench.say(`  round ${round}/${rounds}: ${order.map((one) => one.variant.name).join(', ')}`)
    for (const { variant, running } of order) {
      const result = await closedLoopRound(bench, running, { question, seconds })
      collected.set(variant.name, [...(collected.get(variant.name) ?? []), result])
      for (const file of running.growing) truncateSync(file)
    }
  }
  return new Map(
    contenders.map((contender) => [
      contender.variant.name,
      summary(collected.get(contender.variant.name) ?? [], contender),
    ]),
  )
}

/** Loads each contender until its code is compiled for the load, and counts nothing. */
export async function warmUp(
  bench: Bench,
  contenders: readonly Contender[],
  question: Question,
): Promise<void> {
  const seconds = bench.durations.closedSeconds
  for (const { running } of contenders) {
    let calls = 0
    for (let round = 1; round <= MAX_WARMUP_ROUNDS && calls < WARMUP_CALLS; round++) {
      calls += (await closedLoopRound(bench, running, { question, seconds })).requests
    }
  }
}

function summary(rounds: readonly Round[], { running }: Contender): Throughput {
  const micros = rounds.flatMap((round) => round.microsPerCall ?? [])
  const rates = rounds.map((round) => round.requestsPerSecond)
  return {
    requestsPerSecond: median(rates),
    microsPerCall:
      micros.length === 0 ? undefined : { p25: lowerQuartile(micros), median: median(micros) },
    residentMb: running.pids.length === 0 ? undefined : residentKb(running.pids) / 1024,
    waitedShare: median(rounds.map((round) => round.waitedShare)),
    badShare: Math.max(...rounds.map((round) => round.badShare)),
  }
}
