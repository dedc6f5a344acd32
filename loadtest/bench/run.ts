/** One whole run, part after part. */
import type { Bench, Contender } from './bench.ts'
import { chooseVariants, gatehouseAmong, startContenders, startOne } from './contenders.ts'
import { measureColdTokens } from './measure/cold-tokens.ts'
import type { ColdToken } from './measure/cold-tokens.ts'
import { TRACE_GARBAGE, measureGarbage } from './measure/garbage.ts'
import type { Garbage } from './measure/garbage.ts'
import { measureIdleStreams } from './measure/idle-streams.ts'
import type { StreamMemory } from './measure/idle-streams.ts'
import { measureLatency } from './measure/latency.ts'
import { measureThroughput, warmUp } from './measure/throughput.ts'
import type { Throughput } from './measure/throughput.ts'
import type { Options } from './options.ts'
import { makeRealtime } from './realtime.ts'
import type { Results } from './results.ts'
import { DIRECT } from './variants/direct.ts'
import { GATEHOUSE_VAULT } from './variants/gatehouse-vault.ts'
import { GATEHOUSE } from './variants/gatehouse.ts'
import { PASS_THROUGH } from './variants/pass-through.ts'
import type { Variant } from './variants/variant.ts'

/** Rounds of the `tools/list` part: two variants only, so they may be few. */
const LIST_ROUNDS = 5

/**
 * Measures everything that can be measured here and returns it; starts and stops variants, not the
 * stubs.
 */
export async function runBench(bench: Bench, options: Options): Promise<Results> {
  const { durations, call } = bench
  const variants = chooseVariants(bench, options.only, options.peers)
  bench.say('starting and checking every variant')
  const contenders = await startContenders(bench, variants)
  bench.say('closed loop: warm-up')
  await warmUp(bench, contenders, call)
  bench.say('closed loop')
  const throughput = await measureThroughput(bench, {
    contenders,
    question: call,
    rounds: durations.rounds,
    seconds: durations.closedSeconds,
  })
  bench.say('open loop')
  const latency = await latencyPart(bench, contenders, options)
  const lists = await listPart(bench, contenders)
  const swaps = await swapPart(bench, contenders)
  const coldTokens = await coldTokenPart(bench, contenders)
  for (const { running } of contenders) await running.stop()
  return {
    variants: contenders.map(({ variant }) => variant.name),
    throughput,
    latency,
    lists,
    swaps,
    coldTokens,
    streams: await streamPart(bench, variants),
    garbage: variants.includes(GATEHOUSE) ? await garbagePart(bench) : undefined,
  }
}

async function latencyPart(
  bench: Bench,
  contenders: readonly Contender[],
  { realtime }: Options,
): Promise<Results['latency']> {
  if (!realtime) return measureLatency(bench, contenders)
  const back = makeRealtime(bench.processes.pids())
  try {
    return await measureLatency(bench, contenders)
  } finally {
    back()
  }
}

async function listPart(
  bench: Bench,
  contenders: readonly Contender[],
): Promise<ReadonlyMap<string, Throughput>> {
  const listing = contenders.filter(
    ({ variant }) => variant === GATEHOUSE || variant === PASS_THROUGH,
  )
  if (listing.length === 0) return new Map()
  bench.say('tools/list of 100 tools')
  await warmUp(bench, listing, bench.list)
  return measureThroughput(bench, {
    contenders: listing,
    question: bench.list,
    rounds: Math.min(LIST_ROUNDS, bench.durations.rounds),
    seconds: 1,
  })
}

async function swapPart(
  bench: Bench,
  contenders: readonly Contender[],
): Promise<ReadonlyMap<string, Throughput>> {
  const without = gatehouseAmong(contenders)
  if (without === undefined) return new Map()
  bench.say('calls with the token of an account that the caller has connected')
  const [swapping] = await startContenders(bench, [GATEHOUSE_VAULT])
  if (swapping === undefined) return new Map()
  await warmUp(bench, [swapping], bench.call)
  const results = await measureThroughput(bench, {
    contenders: [without, swapping],
    question: bench.call,
    rounds: bench.durations.rounds,
    seconds: 1,
  })
  await swapping.running.stop()
  return results
}

async function coldTokenPart(
  bench: Bench,
  contenders: readonly Contender[],
): Promise<readonly ColdToken[]> {
  const gatehouse = gatehouseAmong(contenders)
  if (gatehouse === undefined) return []
  bench.say('tokens never seen before')
  return [
    await measureColdTokens(bench, gatehouse.running, 'RS256'),
    await measureColdTokens(bench, gatehouse.running, 'ES256'),
  ]
}

async function streamPart(
  bench: Bench,
  variants: readonly Variant[],
): Promise<ReadonlyMap<string, StreamMemory>> {
  const results = new Map<string, StreamMemory>()
  for (const variant of variants) {
    if (variant === DIRECT) continue
    bench.say(`idle streams: ${variant.name}`)
    const contender = await startOne(bench, { variant, upstream: bench.stubs.streams })
    if (contender === undefined) continue
    if (contender.running.pids.length > 0) {
      results.set(variant.name, await measureIdleStreams(bench, contender.running))
    }
    await contender.running.stop()
  }
  return results
}

async function garbagePart(bench: Bench): Promise<Garbage | undefined> {
  bench.say('garbage collector at 5,000/s')
  const contender = await startOne(bench, {
    variant: GATEHOUSE,
    upstream: bench.stubs.calls,
    nodeArguments: [TRACE_GARBAGE],
  })
  if (contender === undefined) return undefined
  const garbage = await measureGarbage(bench, contender.running)
  await contender.running.stop()
  return garbage
}
