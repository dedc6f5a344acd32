/** `gateway/node loadtest/bench/main.ts`: measures Gatehouse against its yardsticks; see `docs/performance.md`. */
import { writeFileSync } from 'node:fs'
import { GOALS, verdict } from './goals.ts'
import { describeMachine } from './machine.ts'
import { USAGE, readOptions } from './options.ts'
import type { Options } from './options.ts'
import type { Results } from './results.ts'
import { runBench } from './run.ts'
import { createSay } from './say.ts'
import { prepareWorkplace, setUp } from './setup.ts'
import { goalTable, variantTable } from './table.ts'

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2))
    if (!options.help) return await measure(options)
    console.log(USAGE)
    return 0
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  }
}

async function measure(options: Options): Promise<number> {
  const say = createSay()
  const workplace = await prepareWorkplace()
  const { tools, cores, processes } = workplace
  const interrupt = (): void => {
    void processes.stopAll().then(() => process.exit(130))
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  for (const line of tools.missing) say(line)
  if (cores.length === 1) say('one core only: proxy and load share it, and figures mean less')
  const machine = [...describeMachine(tools), `seed      ${options.seed}`]
  console.log(machine.join('\n'))
  try {
    const results = await runBench(await setUp(workplace, options, say), options)
    console.log(`\n${variantTable(results)}\n\n${goalTable(results)}`)
    if (options.json !== undefined) writeJson(options.json, machine, results)
    return exitCode(results, options)
  } finally {
    await processes.stopAll()
    say('done')
  }
}

function writeJson(file: string, machine: readonly string[], results: Results): void {
  const goals = GOALS.map(({ measure, ...goal }) => ({ ...goal, measured: measure(results) }))
  writeFileSync(file, `${JSON.stringify({ machine, results, goals }, asPlain, 2)}\n`)
}

function asPlain(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries<unknown>(value) : value
}

function exitCode(results: Results, { gate }: Options): number {
  const failed = GOALS.filter(
    (goal) => goal.gated === true && verdict(goal, goal.measure(results)) === 'BELOW FLOOR',
  )
  if (!gate || failed.length === 0) return 0
  console.error(`below its floor: ${failed.map(({ what }) => what).join(', ')}`)
  return 1
}

process.exitCode = await main()
