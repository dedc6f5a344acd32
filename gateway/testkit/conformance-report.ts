/** What two runs of the conformance suite say, and where they differ. */
import type { Check, SuiteResult } from './conformance-suite.ts'

/** How many scenarios that count passed, and how many checks of all. */
export function scoreOf({ checks, passing, scored }: SuiteResult): string {
  const count = (wanted: string): number => checks.filter(({ status }) => status === wanted).length
  const passed = scored.filter((name) => passing.has(name)).length
  return `${passed}/${scored.length} scenarios; ${count('SUCCESS')} checks passed, ${count('FAILURE')} failed`
}

export type Difference = {
  /** Scenario, check, and which of several of its kind. */
  readonly check: string
  /** Statuses; undefined where the check was not made. */
  readonly was: string | undefined
  readonly is: string | undefined
  readonly message: string
}

/** What is only told, such as each message of a stream, is no check. */
const TOLD = 'INFO'

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
    if (check.status === TOLD) continue
    let at = 1
    while (found.has(`${check.scenario} ${check.id} ${at}`)) at += 1
    found.set(`${check.scenario} ${check.id} ${at}`, check)
  }
  return found
}

/** Prints both scores under a title and every difference. */
export function printComparison(
  title: string,
  direct: SuiteResult,
  through: SuiteResult,
): readonly Difference[] {
  const differences = differencesOf(direct, through)
  console.log(`${title} direct:  ${scoreOf(direct)}`)
  console.log(`${title} through: ${scoreOf(through)}`)
  console.log(`${title} differences: ${differences.length === 0 ? 'none' : differences.length}`)
  for (const { check, was = 'not made', is = 'not made', message } of differences) {
    console.log(`  ${check}: ${was} direct, ${is} through. ${message}`)
  }
  return differences
}
