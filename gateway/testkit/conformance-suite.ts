/** Runs the official conformance suite, against a server or with a client, and reads what it wrote. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { NODE, startChild } from './child.ts'

export type ServerRun = {
  readonly url: string
  /** Protocol revision whose required scenarios are run. */
  readonly revision: string
  /** Sent as `Bearer` with every request. */
  readonly token?: string
}

export type ClientRun = {
  /** A program and its arguments, without spaces in either; the suite adds the URL of its server. */
  readonly command: readonly string[]
  readonly revision: string
}

/** One check of one scenario; a scenario may make the same check several times. */
export type Check = {
  readonly scenario: string
  readonly id: string
  readonly status: string
  readonly message: string | undefined
}

export type SuiteResult = {
  readonly checks: readonly Check[]
  /** Whether all scenarios passed that the revision scores. */
  readonly conforms: boolean
  /** Scenarios without a failed check, by what the suite says. */
  readonly passing: ReadonlySet<string>
  /** The scenarios that the revision scores. */
  readonly scored: readonly string[]
}

/** For one client; on a busy machine all of them at once take a while to start. */
const SCENARIO_TIMEOUT_MS = 90_000

const PRELOAD = new URL('./authorize-requests.ts', import.meta.url).href

/** The scenarios of a revision against the server at a URL. */
export function runSuite({ url, revision, token }: ServerRun): Promise<SuiteResult> {
  return run(['server', '--url', url, '--requirements', revision], {
    nodeArgs: token === undefined ? [] : ['--import', PRELOAD],
    env: {
      GATEHOUSE_TEST_AUTHORIZATION: `Bearer ${token}`,
      GATEHOUSE_TEST_ORIGIN: new URL(url).origin,
    },
  })
}

/** The scenarios of a revision with a client that is started for each, all at the same time. */
export function runClientSuite({ command, revision }: ClientRun): Promise<SuiteResult> {
  const timeout = ['--timeout', String(SCENARIO_TIMEOUT_MS)]
  return run(['client', '--command', command.join(' '), '--requirements', revision, ...timeout], {})
}

type How = { readonly nodeArgs?: readonly string[]; readonly env?: Record<string, string> }

async function run(args: readonly string[], { nodeArgs = [], env }: How): Promise<SuiteResult> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const require = createRequire(import.meta.url)
  const main = require.resolve('@modelcontextprotocol/conformance/package.json')
  const script = join(main, '../dist/index.js')
  const child = startChild({
    command: NODE,
    args: [...nodeArgs, script, ...args, '-o', directory],
    ...(env === undefined ? {} : { env }),
  })
  const code = await child.exited
  const [, summary] = child.output().split(/=== (?:SUITE )?SUMMARY ===/)
  if (summary === undefined) throw new Error(`the suite did not finish:\n${child.output()}`)
  const checks = await readChecks(directory)
  await rm(directory, { recursive: true, force: true })
  return { checks, conforms: code === 0, ...readSummary(summary) }
}

/** Lines such as `✓ ping: 2 passed, 0 failed`, and further down `  ✗ tasks-lifecycle (extension)`. */
function readSummary(summary: string): Pick<SuiteResult, 'passing' | 'scored'> {
  const verdicts = [...summary.matchAll(/^([✓✗]) (\S+): /gm)]
  const unscored = new Set([...summary.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name]) => name))
  const all = verdicts.map(([, , name = '']) => name)
  const passing = verdicts.filter(([, mark]) => mark === '✓').map(([, , name = '']) => name)
  return { passing: new Set(passing), scored: all.filter((name) => !unscored.has(name)) }
}

const GAVE_UP = '[{"id":"finished","status":"FAILURE"}]'

/** Directories are named `<scenario>-<time>`, after `server-` for those of servers. */
async function readChecks(directory: string): Promise<readonly Check[]> {
  const entries = (await readdir(directory, { recursive: true })).toSorted()
  const names = entries.filter((name) => /-\d{4}-\d\d-\d\dT[\d-]+Z$/.test(name))
  const all = await Promise.all(
    names.map(async (name) => {
      const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
      // A scenario that gave up in the middle has written nothing.
      const text = await readFile(join(directory, name, 'checks.json'), 'utf8').catch(() => GAVE_UP)
      const read = JSON.parse(text) as { id: string; status: string; errorMessage?: string }[]
      return read.map(({ id, status, errorMessage: message }) => ({
        scenario,
        id,
        status,
        message,
      }))
    }),
  )
  return all.flat()
}
