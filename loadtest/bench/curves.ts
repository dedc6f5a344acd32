/**
 * `make curves`: what one call costs as a deployment grows, one dimension at a time, in processor time. A flat
 * line is what is wanted; where it is not flat, docs/performance.md says why. It ends by itself within 12 minutes.
 */
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { PORTS } from './constants.ts'
import { DIMENSIONS } from './curves/dimensions.ts'
import { type Dimension, measure, type Point, type Rounds } from './curves/point.ts'
import { STREAMS, streamCurve } from './curves/streams.ts'
import { describeMachine } from './machine.ts'
import { createSay } from './say.ts'
import { prepareWorkplace, setUp } from './setup.ts'
import { table } from './table.ts'
import { PORTS_PER_VARIANT } from './variants/variant.ts'

const USAGE = `gateway/node loadtest/bench/curves.ts [options]

  --only A,B   measure only these: ${[...DIMENSIONS.map(({ name }) => name), 'streams'].join(', ')}
  --quick      one short round of the two smallest sizes, to try the curves; not for quoting
  --seed N     order of an earlier run
  --help       this text`

const FULL: Rounds = { warmUp: 3, counted: 5 }
const QUICK: Rounds = { warmUp: 1, counted: 1 }

/** Sizes that `--quick` looks at. */
const QUICK_SIZES = 2

/** All curves together take some eight minutes; what takes longer than this is stuck. */
const MAX_RUN_MS = 12 * 60_000

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) console.log(USAGE)
else await main(values.only?.split(','), values.quick)

async function main(only: readonly string[] | undefined, quick: boolean): Promise<void> {
  const say = createSay()
  const workplace = await prepareWorkplace()
  const { tools, processes } = workplace
  const end = (code: number): void => void processes.stopAll().then(() => process.exit(code))
  process.once('SIGINT', () => end(130))
  process.once('SIGTERM', () => end(130))
  const stuck = setTimeout(() => {
    say('stuck: it took longer than 12 minutes')
    end(1)
  }, MAX_RUN_MS)
  const seed = Number(values.seed ?? Date.now())
  console.log([...describeMachine(tools), `seed      ${seed}`].join('\n'))
  try {
    const bench = await setUp(workplace, { quick, seed }, say)
    const rounds = quick ? QUICK : FULL
    const few = <T>(sizes: readonly T[]): readonly T[] =>
      quick ? sizes.slice(0, QUICK_SIZES) : sizes
    for (const dimension of DIMENSIONS) {
      if (only?.includes(dimension.name) === false) continue
      const found = await curve(bench, { ...dimension, sizes: few(dimension.sizes) }, rounds)
      console.log(`\n${found}`)
    }
    if (only?.includes('streams') !== false) {
      console.log(`\n${await streams(bench, few(STREAMS), rounds)}`)
    }
  } finally {
    clearTimeout(stuck)
    await processes.stopAll()
    say('done')
  }
}

async function curve(bench: Bench, dimension: Dimension, rounds: Rounds): Promise<string> {
  const { name, sizes, start, ports = PORTS_PER_VARIANT } = dimension
  const points: Point[] = []
  for (const [at, size] of sizes.entries()) {
    bench.say(`${name}: ${size}`)
    points.push(await start(bench, size, PORTS.firstVariant + at * ports))
  }
  bench.say(`${name}: calls`)
  const { warmUp = rounds.warmUp } = dimension
  const micros = await measure(bench, points, { ...rounds, warmUp })
  for (const { running } of points) await running.stop()
  return tableOf(name, sizes, costRows(micros))
}

async function streams(bench: Bench, counts: readonly number[], rounds: Rounds): Promise<string> {
  const { micros, megabytes, idlePercent, workers } = await streamCurve(bench, counts, rounds)
  return tableOf('open streams', counts, [
    ...costRows(micros),
    ['resident MB', megabytes, 0],
    ['idle, % of a core', idlePercent, 1],
    ['workers', workers, 0],
  ])
}

type Row = readonly [what: string, values: readonly number[], digits: number]

/** Flat is up to 1.3 times the first. */
function costRows(micros: readonly number[]): readonly Row[] {
  const [first = Number.NaN] = micros
  return [
    ['µs per call', micros, 1],
    ['of the first', micros.map((value) => value / first), 2],
  ]
}

function tableOf(name: string, sizes: readonly number[], rows: readonly Row[]): string {
  const head = [name, ...sizes.map((size) => size.toLocaleString('en'))]
  const cells = rows.map(([what, numbers, digits]) => [
    what,
    ...numbers.map((value) => value.toFixed(digits)),
  ])
  return table(head, cells)
}
