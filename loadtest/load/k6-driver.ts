/** Drives a scenario with k6 and reads what it measured from its CSV output. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Scenario, World } from '../scenarios/scenario.ts'
import { type Answer, type Run, Tally } from './run.ts'

const SCRIPT = fileURLToPath(new URL('../k6/scenario.ts', import.meta.url))

export type K6Options = {
  readonly command: string
  readonly scenario: Scenario
  readonly world: World
  /** Where files for it and of it go. */
  readonly directory: string
}

/** Runs it to its end, and prints what k6 prints. */
export async function driveWithK6(options: K6Options): Promise<Run> {
  const { command, scenario, world, directory } = options
  const inDirectory = (name: string): string => path.join(directory, name)
  const points = inDirectory(`${scenario.name}.csv`)
  const lines = (name: string, list: World['tokens']): string => {
    const file = inDirectory(name)
    writeFileSync(file, Array.from(list).join('\n'))
    return file
  }
  const settings = {
    SCENARIO: scenario.name,
    URL: world.url,
    TOKENS: lines('tokens.txt', world.tokens),
    CLIENTS: lines('clients.txt', world.clients),
    SESSIONS: lines('sessions.txt', world.sessions),
    TOOL: world.tool,
    ARGUMENTS: world.arguments,
    RATE: String(scenario.perSecond),
    SECONDS: String(scenario.seconds),
    REGISTRATION_TOKEN: world.registrationToken,
    OPS: world.ops,
    ADMIN_TOKEN: world.adminToken,
  }
  const named = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`])
  const output = ['--quiet', '--no-usage-report', '--out', `csv=${points}`]
  const child = spawn(command, ['run', ...output, ...named, SCRIPT], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, K6_CSV_TIME_FORMAT: 'unix_milli' },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0 && code !== THRESHOLDS_CROSSED) throw new Error(`k6 ended with ${code}`)
  return await readPoints(createInterface({ input: createReadStream(points) }))
}

/** The exit status of a k6 whose run was whole and not good enough; that is judged here too. */
const THRESHOLDS_CROSSED = 99

/** Reads the points of k6's CSV output, one a line after a line of names. */
export async function readPoints(lines: AsyncIterable<string>): Promise<Run> {
  const tally = new Tally()
  const answers: Answer[] = []
  let notBegun = 0
  let columns: readonly string[] | undefined
  let startMs: number | undefined
  for await (const line of lines) {
    // No column that is read here can hold a comma before it, and names of asks that do are quoted.
    const cells = (line.match(/("[^"]*"|[^,]*)(?:,|$)/g) ?? []).map((cell) =>
      cell.replace(/,$/, '').replaceAll('"', ''),
    )
    if (columns === undefined) {
      columns = cells
      continue
    }
    const named = columns
    const cell = (name: string): string => cells[named.indexOf(name)] ?? ''
    const value = Number(cell('metric_value'))
    const atMs = Number(cell('timestamp'))
    startMs ??= atMs
    switch (cell('metric_name')) {
      case 'http_req_duration':
        answers.push({ second: Math.floor((atMs - startMs) / 1000), tookMs: value })
        break
      case 'answers_good':
        tally.count(cell('name'), value === 1)
        break
      case 'dropped_iterations':
        notBegun += value
        break
      default:
    }
  }
  return { answers, verdicts: tally.verdicts, notBegun }
}
