/** `gatehouse policy shadow-report`: what rules in shadow mode would have changed. */
import { describeAsked } from '../policy/format-diff.ts'
import { howMany } from '../policy/how-many.ts'
import { createShadowReport, type ShadowFinding } from '../policy/shadow-report.ts'
import type { Io } from './io.ts'
import { readLogs } from './read-lines.ts'
import { misused, readArgs } from './usage.ts'

const HELP = `Usage: gatehouse policy shadow-report [--json] AUDIT…

Says which recorded calls would have been decided otherwise, were the rules with "mode: shadow" in force.

  AUDIT         an audit log; all files of a rotated one together; - is standard input
      --json        the report for programs
  -h, --help        show this text

Exit code: 0 the report is printed, whatever it says, 1 a file cannot be read, 2 used wrongly.`

/** Calls shown of each sort. */
const SHOWN = 10

/** @returns the exit code. */
export async function policyShadowReport(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<number> {
  const given = readArgs(
    args,
    { usage: HELP, options: { json: { type: 'boolean', default: false } }, takesWords: true },
    io,
  )
  if (given === undefined) return 0
  const { values, words } = given
  if (words.length === 0) return misused(io, 'policy shadow-report: no audit log named', HELP)
  const shadow = createShadowReport()
  if (!(await readLogs(words, shadow.line, io))) return 1
  const { decisions, findings } = shadow.report()
  if (values.json) {
    io.out(JSON.stringify({ decisions, findings: findings.map(toJson) }, undefined, 2))
    return 0
  }
  const changed = findings.reduce((sum, { count }) => sum + count, 0)
  io.out(`${howMany(decisions, 'call')} decided; ${changed} would have been decided otherwise`)
  for (const finding of findings) for (const line of describe(finding)) io.out(line)
  return 0
}

const WORDS = { allow: 'allowed', deny: 'denied', require: 'held for approval' } as const

function* describe(finding: ShadowFinding): Generator<string> {
  const { rule, was, wouldBe, count, callers, examples, from, to } = finding
  yield ''
  const by = `${howMany(count, 'call')} by ${howMany(callers.size, 'caller')}`
  yield `${rule ?? 'no rule'}: ${by} would be ${WORDS[wouldBe]} instead of ${WORDS[was]}`
  yield `  from ${from} to ${to}`
  const shown = [...examples.values()].toSorted((a, b) => b.count - a.count).slice(0, SHOWN)
  for (const example of shown) yield `  ${example.count}x  ${describeAsked(example.asked)}`
}

function toJson({ callers, examples, ...finding }: ShadowFinding): unknown {
  return {
    ...finding,
    callers: callers.size,
    examples: [...examples.values()].map(({ asked, count }) => ({
      count,
      server: asked.server,
      method: asked.call.method,
      targets: asked.call.targets.map(({ kind, name }) => ({ kind, name })),
      subject: asked.caller.subject,
      call: asked.label,
    })),
  }
}
