/** A gateway that holds more and more streams: what they take, and what calls cost beside them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import { PORTS } from '../constants.ts'
import { processorTime, residentKb } from '../measure/process-tree.ts'
import { USUAL_SIZE } from '../variants/gatehouse-policy.ts'
import type { Running } from '../variants/variant.ts'
import { measure, type Rounds, startPoint } from './point.ts'

export const STREAMS = [100, 1_000, 5_000, 10_000] as const

/**
 * A stream takes two descriptors, and at four fifths of what the system allows (20,000 on many) no more
 * streams are taken on: more than these are for two workers.
 */
const STREAMS_PER_WORKER = 7_000

/** Room for all streams and the calls beside them. */
const MAX_CONNECTIONS = 20_000

const KB_PER_MB = 1_024

/** Streams are looked at each second, so that takes time too; milliseconds. */
const SETTLE_MS = 1_000
const IDLE_MS = 3_000
const MICROS_PER_MS = 1_000

/** One value for each of `counts`. */
export type StreamCurve = {
  readonly counts: readonly number[]
  readonly workers: readonly number[]
  readonly micros: readonly number[]
  readonly megabytes: readonly number[]
  /** Per cent of a core while nothing is called. */
  readonly idlePercent: readonly number[]
}

export async function streamCurve(
  bench: Bench,
  counts: readonly number[],
  rounds: Rounds,
): Promise<StreamCurve> {
  const found: Awaited<ReturnType<typeof holdStreams>>[] = []
  for (const count of counts) found.push(await holdStreams(bench, count, rounds))
  return {
    counts,
    workers: found.map(({ workers }) => workers),
    micros: found.map(({ micros }) => micros),
    megabytes: found.map(({ megabytes }) => megabytes),
    idlePercent: found.map(({ idlePercent }) => idlePercent),
  }
}

async function holdStreams(bench: Bench, count: number, rounds: Rounds) {
  const workers = Math.ceil(count / STREAMS_PER_WORKER)
  bench.say(`${count} open streams, workers: ${workers}`)
  const port = PORTS.firstVariant
  const sections = { workers, listen: { port, max_connections: MAX_CONNECTIONS } }
  const point = await startPoint(bench, port, {
    size: USUAL_SIZE,
    upstream: bench.stubs.streams,
    addition: { sections },
  })
  const { running, tokensFile } = point
  const { target } = running
  const job = { kind: 'hold_streams', target, tokensFile, count } as const
  const { refused } = await bench.generator.run<'hold_streams'>(job)
  if (refused > 0) throw new Error(`${refused} streams were refused`)
  const idlePercent = await measureIdle(running)
  const [micros = Number.NaN] = await measure(bench, [point], rounds)
  const megabytes = residentKb(running.pids) / KB_PER_MB
  await bench.generator.run<'release_streams'>({ kind: 'release_streams' })
  await running.stop()
  return { workers, micros, megabytes, idlePercent }
}

async function measureIdle({ pids }: Running): Promise<number> {
  await sleep(SETTLE_MS)
  const before = processorTime(pids).micros
  await sleep(IDLE_MS)
  return ((processorTime(pids).micros - before) / (IDLE_MS * MICROS_PER_MS)) * 100
}
