/**
 * Watches V8's collector at a steady 5,000 calls/s. A request that keeps its objects alive past a young
 * collection (a closure on `req` or `res` does it) shows here as long scavenges, and in no throughput
 * figure.
 */
import { readFileSync, truncateSync } from 'node:fs'
import { GARBAGE_RATE_PER_SECOND } from '../constants.ts'
import type { Bench } from '../bench.ts'
import { median, quantile } from '../statistics.ts'
import type { Running } from '../variants/variant.ts'
import { openLoopRound } from './latency.ts'

/** Until the code is compiled and the heap has its working size. */
const WARMUP_SECONDS = 3

/** What the collector did during the run. */
export type Garbage = {
  readonly ratePerSecond: number
  readonly scavenges: number
  readonly medianScavengeMs: number
  readonly maxScavengeMs: number
  readonly markCompactsPer100k: number
}

/** Argument that a watched process must have been started with. */
export const TRACE_GARBAGE = '--trace-gc'

/** @param running A fresh process, started with `TRACE_GARBAGE`. */
export async function measureGarbage(bench: Bench, running: Running): Promise<Garbage> {
  const ratePerSecond = GARBAGE_RATE_PER_SECOND
  await openLoopRound(bench, running, { ratePerSecond, seconds: WARMUP_SECONDS })
  truncateSync(running.log)
  const seconds = bench.durations.garbageSeconds
  const { tally } = await openLoopRound(bench, running, { ratePerSecond, seconds })
  return { ratePerSecond, ...readTrace(readFileSync(running.log, 'utf8'), tally.good) }
}

/** Reads the lines of `--trace-gc`: `… ms: Scavenge 5.1 (6.0) -> 4.1 (7.0) MB, 0.50 / 0.00 ms …`. */
export function readTrace(trace: string, calls: number): Omit<Garbage, 'ratePerSecond'> {
  const pausesMs: number[] = []
  let markCompacts = 0
  for (const line of trace.split('\n')) {
    const found = /ms: (Scavenge|Mark-Compact).* MB, (?:pooled: .* MB, )?([\d.]+) \/ /.exec(line)
    if (found?.[1] === 'Scavenge') pausesMs.push(Number(found[2]))
    else if (found?.[1] === 'Mark-Compact') markCompacts++
  }
  return {
    scavenges: pausesMs.length,
    medianScavengeMs: median(pausesMs),
    maxScavengeMs: quantile(pausesMs, 1),
    markCompactsPer100k: (markCompacts * 100_000) / Math.max(1, calls),
  }
}
