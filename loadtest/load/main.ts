/**
 * `make load`: starts Gatehouse with its own authorization server in front of a stub MCP server, on loopback
 * with throw-away keys, and runs every scenario against it, one after the other: with k6, or from Node where
 * there is none. Ends by itself; exits 1 when a scenario does not keep what it promises.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findK6 } from '../k6/find-k6.ts'
import { SCENARIOS } from '../scenarios/all.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { chartPage } from './chart.ts'
import { driveWithK6 } from './k6-driver.ts'
import { drive } from './node-driver.ts'
import { type Report, report } from './report.ts'
import type { Run } from './run.ts'
import { holdSessions } from './sessions.ts'
import { openStreams } from './streams.ts'
import { type RunningWorld, startWorld } from './world.ts'

const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url))
const DIRECTORY = path.join(CACHE, 'load')

const USAGE = `gateway/node loadtest/load/main.ts [options]      (make load LOAD='--only main')

  --only A,B     these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rate N       visits per second, in place of each scenario's own
  --seconds N    how long each lasts, in place of its own
  --node         drive from Node, even where there is a k6
  --help         this text`

/** Runs the load of a scenario. */
type Driver = (scenario: Scenario, world: RunningWorld) => Promise<Run>

const say = (line = ''): void => console.log(line)

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      node: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    say(USAGE)
    return 0
  }
  const scenarios = chosen(values)
  rmSync(DIRECTORY, { recursive: true, force: true })
  mkdirSync(DIRECTORY, { recursive: true })
  const { driver, name } = driverFor(values.node)
  say(`${scenarios.length} scenarios, driven by ${name}, about ${minutes(scenarios)} minutes`)
  const world = await startWorld()
  const interrupt = (): void => void world.stop().finally(() => process.exit(130))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const reports: Report[] = []
  try {
    for (const scenario of scenarios) {
      say(`\n${scenario.name}: ${scenario.about}`)
      const done = await runScenario(scenario, world, driver)
      say(done.text)
      reports.push(done)
    }
  } finally {
    await world.stop()
  }
  const page = path.join(DIRECTORY, 'report.html')
  writeFileSync(page, chartPage(reports, `${new Date().toISOString()}, driven by ${name}`))
  const bad = reports.filter(({ isGood }) => !isGood)
  say(`\n${reports.length - bad.length} of ${reports.length} scenarios kept what they promise`)
  say(`latency over time: ${path.relative(process.cwd(), page)}`)
  return bad.length === 0 ? 0 : 1
}

async function runScenario(
  scenario: Scenario,
  world: RunningWorld,
  driver: Driver,
): Promise<Report> {
  if (scenario.sessions !== undefined) {
    const held = await holdSessions(world, scenario.sessions)
    const run = await driver(scenario, { ...world, sessions: held.names })
    return report(scenario, run, { sessions: await held.end() })
  }
  if (scenario.streams === undefined) return report(scenario, await driver(scenario, world))
  const streams = await openStreams(world, scenario.streams)
  const run = await driver(scenario, world)
  // One a second; a few may be under way, and the last streams opened late.
  const seen = streams.seen(Math.max(1, scenario.seconds - 5))
  streams.close()
  return report(scenario, run, { streams: seen })
}

function chosen(values: {
  readonly only?: string
  readonly rate?: string
  readonly seconds?: string
}) {
  const names = values.only?.split(',')
  const unknown = names?.find((name) => SCENARIOS.every((scenario) => scenario.name !== name))
  if (unknown !== undefined) throw new Error(`there is no scenario ${unknown}; see --help`)
  return SCENARIOS.filter(({ name }) => names === undefined || names.includes(name)).map(
    (scenario) => ({
      ...scenario,
      perSecond: count('--rate', values.rate) ?? scenario.perSecond,
      seconds: count('--seconds', values.seconds) ?? scenario.seconds,
    }),
  )
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`${name} must be a number from 1 to 99999`)
  return Number(text)
}

function driverFor(wantsNode: boolean): { readonly driver: Driver; readonly name: string } {
  const node: Driver = (scenario, world) => drive({ ...scenario, world })
  if (wantsNode) return { driver: node, name: 'Node' }
  const k6 = findK6(path.join(CACHE, 'bin'), say)
  if ('missing' in k6) {
    say(k6.missing)
    return { driver: node, name: 'Node' }
  }
  const { command } = k6
  return {
    driver: (scenario, world) => driveWithK6({ command, scenario, world, directory: DIRECTORY }),
    name: 'k6',
  }
}

function minutes(scenarios: readonly Scenario[]): string {
  const seconds = scenarios.reduce((sum, scenario) => sum + scenario.seconds, 0)
  return Math.ceil(seconds / 60 + 1).toString()
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
