/** What one idle event stream costs in memory, counted on a fresh process with both sides open. */
import { setTimeout as sleep } from 'node:timers/promises'
import { IDLE_STREAMS } from '../constants.ts'
import type { Bench } from '../bench.ts'
import type { Running } from '../variants/variant.ts'
import { residentKb } from './process-tree.ts'

/** Opened and closed beforehand, so that code and first buffers are not counted. */
const WARMUP_STREAMS = 200
/** Until memory has settled after streams were opened or closed. */
const SETTLE_MS = 1000

/** How many streams were open, and what each cost. */
export type StreamMemory = {
  readonly opened: number
  readonly refused: number
  /** Growth of resident memory per open stream. */
  readonly kbPerStream: number
}

/** @param running A fresh process in front of the stub for streams. */
export async function measureIdleStreams(bench: Bench, running: Running): Promise<StreamMemory> {
  await hold(bench, running, WARMUP_STREAMS)
  await release(bench)
  await sleep(SETTLE_MS)
  const before = residentKb(running.pids)
  const { opened, refused } = await hold(bench, running, IDLE_STREAMS)
  await sleep(SETTLE_MS)
  const after = residentKb(running.pids)
  await release(bench)
  return { opened, refused, kbPerStream: (after - before) / Math.max(1, opened) }
}

function hold(bench: Bench, { target }: Running, count: number) {
  const { tokensFile } = bench
  return bench.generator.run<'hold_streams'>({ kind: 'hold_streams', target, tokensFile, count })
}

async function release(bench: Bench): Promise<void> {
  await bench.generator.run<'release_streams'>({ kind: 'release_streams' })
}
