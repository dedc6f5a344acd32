/** What node:test said at the end of a run. */
export type TestSummary = { readonly passed: number; readonly failed: number }

/**
 * Adds up every closing summary of node:test (spec or TAP reporter) in an output. Tests that were
 * cancelled, skipped or left as todo count as failed: they prove nothing.
 */
export function readTestSummary(output: string): TestSummary {
  const counts = { pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 }
  for (const [, word, count] of output.matchAll(SUMMARY_LINE)) {
    counts[word as keyof typeof counts] += Number(count)
  }
  return {
    passed: counts.pass,
    failed: counts.fail + counts.cancelled + counts.skipped + counts.todo,
  }
}

const SUMMARY_LINE = /^(?:\S*ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)\S*$/gm
