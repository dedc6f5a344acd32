/** One size of one dimension, and what a call costs there. */
import { mkdirSync, truncateSync } from 'node:fs'
import path from 'node:path'
import type { Bench, Question } from '../bench.ts'
import type { Target } from '../generator/job.ts'
import { closedLoopRound } from '../measure/closed-loop.ts'
import { shuffled } from '../random.ts'
import { lowerQuartile } from '../statistics.ts'
import { type Addition, startGatehouse } from '../variants/gatehouse.ts'
import type { Size } from '../variants/gatehouse-policy.ts'
import type { Place, Running } from '../variants/variant.ts'

/** One round, in whole seconds. */
const SECONDS = 1

/** How many rounds there are, after those that have everything compiled and known. */
export type Rounds = { readonly warmUp: number; readonly counted: number }

/** Up and ready to be asked. */
export type Point = {
  readonly running: Running
  readonly question: Question
  readonly tokensFile: string
}

export type Dimension = {
  readonly name: string
  readonly sizes: readonly number[]
  /** Ports that each size may listen on; `PORTS_PER_VARIANT` unless it says otherwise. */
  readonly ports?: number
  /** Rounds until all its processes have everything compiled, where they are several and share the calls. */
  readonly warmUp?: number
  /** @param port The first of its ports. */
  start(bench: Bench, size: number, port: number): Promise<Point>
}

export type StartOptions = {
  readonly size: Size
  readonly upstream?: Target
  readonly addition?: Addition
}

/** Starts one gateway, in a directory of its own, that is asked the usual call. */
export async function startPoint(
  bench: Bench,
  port: number,
  { size, upstream = bench.stubs.calls, addition }: StartOptions,
): Promise<Point> {
  const { call, tokensFile } = bench
  const running = await startGatehouse(placeOf(bench, port, upstream), size, addition)
  return { running, question: call, tokensFile }
}

export function placeOf(bench: Bench, port: number, upstream: Target = bench.stubs.calls): Place {
  const directory = path.join(bench.directory, `point-${port}`)
  mkdirSync(directory, { recursive: true })
  const { processes, keys } = bench
  return { directory, port, upstream, processes, keys }
}

/**
 * Processor time per call at each point, in microseconds: lower quartile of the rounds, in random order.
 *
 * @throws {Error} (rejects with) when an answer was not that of an authorised call.
 */
export async function measure(
  bench: Bench,
  points: readonly Point[],
  rounds: Rounds,
): Promise<readonly number[]> {
  const micros = points.map((): number[] => [])
  for (let round = -rounds.warmUp; round < rounds.counted; round += 1) {
    for (const at of shuffled([...points.keys()], bench.random)) {
      const cost = await costOf(bench, points[at])
      if (round >= 0) micros[at]?.push(cost)
    }
  }
  return micros.map(lowerQuartile)
}

async function costOf(bench: Bench, point: Point | undefined): Promise<number> {
  if (point === undefined) return Number.NaN
  const { running, question, tokensFile } = point
  const plan = { question, seconds: SECONDS }
  const round = await closedLoopRound({ ...bench, tokensFile }, running, plan)
  const bad = (round.badShare * 100).toFixed(2)
  if (round.badShare > 0) throw new Error(`${bad} % of the answers were not those of the server`)
  for (const file of running.growing) truncateSync(file)
  return round.microsPerCall ?? Number.NaN
}
