/** What a token costs when it is seen for the first time, over one that is known. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { CONNECTIONS } from '../constants.ts'
import type { Bench } from '../bench.ts'
import { badOnes } from '../generator/tally.ts'
import { median } from '../statistics.ts'
import type { Algorithm } from '../tokens.ts'
import type { Running } from '../variants/variant.ts'
import { processorTime } from './process-tree.ts'

/** The price of a first sight, for one algorithm. */
export type ColdToken = {
  readonly algorithm: Algorithm
  /** Processor time of a call with a new token minus that of a call with a known one, median. */
  readonly extraMicros: number
}

/** Mints fresh tokens and sends each twice, once cold and once known, round after round. */
export async function measureColdTokens(
  bench: Bench,
  running: Running,
  algorithm: Algorithm,
): Promise<ColdToken> {
  const extra: number[] = []
  for (let round = 1; round <= bench.durations.coldRounds; round++) {
    const file = path.join(bench.directory, `cold-${algorithm}-${round}.txt`)
    writeFileSync(file, bench.mint.mint(algorithm, bench.durations.coldTokens).join('\n'))
    const cold = await microsPerCall(bench, running, file)
    const warm = await microsPerCall(bench, running, file)
    extra.push(cold - warm)
  }
  return { algorithm, extraMicros: median(extra) }
}

/** Sends every token of a file once. */
async function microsPerCall(bench: Bench, running: Running, tokensFile: string): Promise<number> {
  const before = processorTime(running.pids).micros
  const { tally } = await bench.generator.run<'closed_loop'>({
    kind: 'closed_loop',
    target: running.target,
    tokensFile,
    body: bench.call.body,
    plan: { connections: CONNECTIONS, until: 'each', expectedBytes: bench.call.answerBytes },
  })
  if (badOnes(tally) > 0) throw new Error(`new tokens were refused: ${JSON.stringify(tally)}`)
  return (processorTime(running.pids).micros - before) / tally.good
}
