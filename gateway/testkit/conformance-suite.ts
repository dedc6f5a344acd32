/** Runs the official conformance suite against a URL and reads what it wrote. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { NODE, startChild } from './child.ts'

export type SuiteOptions = {
  readonly url: string
  /** Protocol revision whose required scenarios are run. */
  readonly revision: string
  /** Sent as `Bearer` with every request. */
  readonly token?: string
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
  /** What the suite printed at its end. */
  readonly summary: string
}

const PRELOAD = new URL('./authorize-requests.ts', import.meta.url).href

export async function runSuite({ url, revision, token }: SuiteOptions): Promise<SuiteResult> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const require = createRequire(import.meta.url)
  const main = require.resolve('@modelcontextprotocol/conformance/package.json')
  const script = join(main, '../dist/index.js')
  const run = ['server', '--url', url, '--requirements', revision, '-o', directory]
  const child = startChild({
    command: NODE,
    args: [...(token === undefined ? [] : ['--import', PRELOAD]), script, ...run],
    env: {
      GATEHOUSE_TEST_AUTHORIZATION: `Bearer ${token}`,
      GATEHOUSE_TEST_ORIGIN: new URL(url).origin,
    },
  })
  const code = await child.exited
  const [, summary = ''] = child.output().split('=== SUMMARY ===')
  if (summary === '') throw new Error(`the suite did not finish:\n${child.output()}`)
  const checks = await readChecks(directory)
  await rm(directory, { recursive: true, force: true })
  return { checks, conforms: code === 0, summary: summary.trim() }
}

const GAVE_UP = '[{"id":"finished","status":"FAILURE"}]'

/** Directories are named `server-<scenario>-<time>`. */
async function readChecks(directory: string): Promise<readonly Check[]> {
  const names = (await readdir(directory)).toSorted()
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

/** How many checks passed and failed. */
export function scoreOf({ checks }: SuiteResult): string {
  const count = (wanted: string): number => checks.filter(({ status }) => status === wanted).length
  const scenarios = new Set(checks.map(({ scenario }) => scenario))
  return `${count('SUCCESS')} passed, ${count('FAILURE')} failed in ${scenarios.size} scenarios`
}

export type Difference = {
  /** Scenario, check, and which of several of its kind. */
  readonly check: string
  /** Statuses; undefined where the check was not made. */
  readonly was: string | undefined
  readonly is: string | undefined
  readonly message: string
}

/** The checks that came out differently. */
export function differencesOf(direct: SuiteResult, through: SuiteResult): readonly Difference[] {
  const [before, after] = [byCheck(direct), byCheck(through)]
  const checks = [...new Set([...before.keys(), ...after.keys()])]
  return checks.flatMap((check) => {
    const [first, second] = [before.get(check), after.get(check)]
    if (first?.status === second?.status) return []
    const message = second?.message ?? first?.message ?? ''
    return [{ check, was: first?.status, is: second?.status, message }]
  })
}

function byCheck({ checks }: SuiteResult): ReadonlyMap<string, Check> {
  const found = new Map<string, Check>()
  for (const check of checks) {
    let at = 1
    while (found.has(`${check.scenario} ${check.id} ${at}`)) at += 1
    found.set(`${check.scenario} ${check.id} ${at}`, check)
  }
  return found
}
