/**
 * `make curves`: what one call costs as a deployment grows, one dimension at a time, in processor time. A flat
 * line is what is wanted; where it is not flat, docs/performance.md says why.
 */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { MAX_CACHED_TOKENS } from '../../gateway/identity/token-cache.ts'
import type { Bench, Question } from './bench.ts'
import { CONNECTIONS, PORTS } from './constants.ts'
import type { Target } from './generator/job.ts'
import { describeMachine } from './machine.ts'
import { closedLoopRound } from './measure/closed-loop.ts'
import { residentKb } from './measure/process-tree.ts'
import { shuffled } from './random.ts'
import { prepareWorkplace, setUp } from './setup.ts'
import { lowerQuartile } from './statistics.ts'
import { startNodeStub } from './stub.ts'
import { table } from './table.ts'
import type { Algorithm } from './tokens.ts'
import { startGatehouse } from './variants/gatehouse.ts'
import { type Size, USUAL_SIZE } from './variants/gatehouse-policy.ts'
import { PORTS_PER_VARIANT, type Running } from './variants/variant.ts'

const ROUNDS = 5

/** One round, in whole seconds, and what is done beforehand to have everything compiled and known. */
const SECONDS = 1
const WARM_UP_ROUNDS = 3

/** Tokens are minted for each caller; those are quick to sign. */
const ALGORITHM: Algorithm = 'ES256'

/** One size of one dimension, up and ready to be asked. */
type Point = {
  readonly running: Running
  readonly question: Question
  readonly tokensFile: string
}

type Dimension = {
  readonly name: string
  readonly sizes: readonly number[]
  /** @param port The first of three that it may listen on. */
  start(bench: Bench, size: number, port: number): Promise<Point>
}

const DIMENSIONS: readonly Dimension[] = [
  {
    name: 'callers',
    sizes: [10, 100, 1_000, 10_000, 40_000, 100_000],
    start: async (bench, size, port) => {
      const tokensFile = path.join(bench.directory, `callers-${size}.txt`)
      writeFileSync(tokensFile, bench.mint.mint(ALGORITHM, size).join('\n'))
      const point = { ...(await startOf(bench, port, USUAL_SIZE)), tokensFile }
      if (size <= MAX_CACHED_TOKENS) await showEach(bench, point)
      return point
    },
  },
  {
    name: 'rules',
    sizes: [10, 100, 1_000, 10_000],
    start: (bench, size, port) => startOf(bench, port, { ...USUAL_SIZE, rules: size }),
  },
  {
    name: 'servers',
    sizes: [1, 10, 100, 500],
    start: (bench, size, port) => startOf(bench, port, { ...USUAL_SIZE, otherServers: size - 1 }),
  },
  {
    name: 'tools in a list',
    sizes: [10, 100, 1_000, 5_000],
    start: async (bench, size, port) => {
      const { target } = await startNodeStub(bench.processes, port + STUB_OFFSET, size)
      return { ...(await startOf(bench, port, USUAL_SIZE, target)), question: bench.list }
    },
  },
]

/** Shows each token once, so that the gateway knows it. */
async function showEach({ generator, call }: Bench, { running, tokensFile }: Point) {
  await generator.run<'closed_loop'>({
    kind: 'closed_loop',
    target: running.target,
    tokensFile,
    body: call.body,
    plan: { connections: CONNECTIONS, until: 'each', expectedBytes: call.answerBytes },
  })
}

/** Of the ports of a point, the one for a stub of its own. */
const STUB_OFFSET = PORTS_PER_VARIANT - 1

const STREAMS = [100, 1_000, 5_000, 9_000]

async function startOf(
  bench: Bench,
  port: number,
  size: Size,
  upstream: Target = bench.stubs.calls,
): Promise<Point> {
  const directory = path.join(bench.directory, `point-${port}`)
  mkdirSync(directory, { recursive: true })
  const { processes, keys, call, tokensFile } = bench
  const running = await startGatehouse({ directory, port, upstream, processes, keys }, size)
  return { running, question: call, tokensFile }
}

/** Processor time per call at each size, in microseconds: lower quartile of the rounds, in random order. */
async function measure(bench: Bench, points: readonly Point[]): Promise<readonly number[]> {
  const micros = points.map((): number[] => [])
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
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
  const round = await closedLoopRound({ ...bench, tokensFile }, running, {
    question,
    seconds: SECONDS,
  })
  if (round.badShare > 0) throw new Error('calls were refused')
  for (const file of running.growing) truncateSync(file)
  return round.microsPerCall ?? Number.NaN
}

async function curve(bench: Bench, { name, sizes, start }: Dimension): Promise<string> {
  const points: Point[] = []
  for (const [at, size] of sizes.entries()) {
    points.push(await start(bench, size, PORTS.firstVariant + at * PORTS_PER_VARIANT))
  }
  const micros = await measure(bench, points)
  for (const { running } of points) await running.stop()
  return tableOf(name, sizes, [['µs per call', micros, 1]])
}

/** One gateway that holds more and more streams, and what calls cost beside them. */
async function streamsCurve(bench: Bench): Promise<string> {
  const [micros, megabytes]: [number[], number[]] = [[], []]
  for (const count of STREAMS) {
    const target = bench.stubs.streams
    const point = await startOf(bench, PORTS.firstVariant, USUAL_SIZE, target)
    const { tokensFile } = bench
    const held = { kind: 'hold_streams', target: point.running.target, tokensFile, count } as const
    const { refused } = await bench.generator.run<'hold_streams'>(held)
    if (refused > 0) throw new Error(`${refused} streams were refused`)
    const [cost = Number.NaN] = await measure(bench, [point])
    micros.push(cost)
    megabytes.push(residentKb(point.running.pids) / 1024)
    await bench.generator.run<'release_streams'>({ kind: 'release_streams' })
    await point.running.stop()
  }
  return tableOf('open streams', STREAMS, [
    ['µs per call', micros, 1],
    ['resident MB', megabytes, 0],
  ])
}

type Row = readonly [what: string, values: readonly number[], digits: number]

function tableOf(name: string, sizes: readonly number[], rows: readonly Row[]): string {
  const head = [name, ...sizes.map((size) => size.toLocaleString('en'))]
  const cells = rows.map(([what, values, digits]) => [
    what,
    ...values.map((value) => value.toFixed(digits)),
  ])
  return table(head, cells)
}

async function main(): Promise<void> {
  const say = (line: string): void => console.error(line)
  const workplace = await prepareWorkplace()
  const { tools, processes } = workplace
  process.once('SIGINT', () => void processes.stopAll().then(() => process.exit(130)))
  console.log(describeMachine(tools).join('\n'))
  const seed = Date.now()
  try {
    const bench = await setUp(workplace, { quick: false, seed }, say)
    for (const dimension of DIMENSIONS) {
      say(dimension.name)
      console.log(`\n${await curve(bench, dimension)}`)
    }
    say('streams')
    console.log(`\n${await streamsCurve(bench)}`)
  } finally {
    await processes.stopAll()
  }
}

await main()
