/** `gatehouse policy test`: runs the cases beside policy files. */
import { existsSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Problem } from '../model/problem.ts'
import type { ScopeIncludes } from '../model/scope-includes.ts'
import { runCases } from '../policy/cases.ts'
import { readCases } from '../policy/read-cases.ts'
import { formatProblem } from '../server/load-all.ts'
import type { Io } from './io.ts'
import { readDocument, readPolicies } from './read-policies.ts'
import { readScopeIncludes } from './read-scope-includes.ts'
import { tellProblems } from './tell-problems.ts'
import { misused, readArgs } from './usage.ts'

/** The smallest case file there is. */
export const EXAMPLE = `cases:
  - name: an agent reads a document
    caller: { kind: agent, subject: agent-7 }
    server: docs
    tool: read_document
    expect: allow
`

const HELP = `Usage: gatehouse policy test [-c FILE] FILE…

Runs examples of what policies are meant to allow and to deny.

  FILE                a policy, whose cases are beside it (documents.yaml: documents.cases.yaml),
                      or a case file (*.cases.yaml), whose key "policy" names its policy files
  -c, --config FILE   configuration file, whose "scope_includes" hold for the callers of the cases;
                      nothing else of it is used
  -h, --help          show this text

A case file looks like this; policies/cases.schema.json says what else it may hold:

${EXAMPLE}
The servers are those the policies name, and those under "servers" in the case file. Exit code: 0 every
case holds, 1 one does not or a file is wrong, 2 used wrongly.`

type Outcome = {
  readonly passed: number
  readonly failed: number
  readonly problems: number
  /** Where cases were looked for and none were. */
  readonly caseless?: string
}

/** @returns the exit code. */
export async function policyTest(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<number> {
  const options = { config: { type: 'string', short: 'c' } } as const
  const given = readArgs(args, { usage: HELP, options, takesWords: true }, io)
  if (given === undefined) return 0
  const { values, words } = given
  if (words.length === 0) return misused(io, 'policy test: no file named', HELP)
  const read = await readScopeIncludes(values.config)
  if (!read.ok) {
    tellProblems(read.problems, io)
    return 1
  }
  const caselessFiles: string[] = []
  const total = { passed: 0, failed: 0, problems: 0 }
  for (const file of new Set(words.map((name) => caseFileOf(name)))) {
    const { passed, failed, problems, caseless } = await testFile(file, read.includes, io)
    total.passed += passed
    total.failed += failed
    total.problems += problems
    if (caseless !== undefined) caselessFiles.push(caseless)
  }
  if (caselessFiles.length > 0) {
    io.err(`no cases in ${caselessFiles.join(', ')}; one looks like this:\n\n${EXAMPLE}`)
  }
  io.out(`${total.passed} passed, ${total.failed} failed`)
  return total.failed + total.problems === 0 ? 0 : 1
}

const CASES = /\.cases(?=\.ya?ml$)/

function caseFileOf(file: string): string {
  return CASES.test(file) ? file : file.replace(/(?=\.ya?ml$)/, '.cases')
}

function holdsCases(data: unknown): boolean {
  const isMapping = typeof data === 'object' && data !== null
  return isMapping && 'cases' in data && Array.isArray(data.cases) && data.cases.length > 0
}

async function testFile(
  file: string,
  includes: ScopeIncludes,
  io: Pick<Io, 'out' | 'err'>,
): Promise<Outcome> {
  const stop = (problems: readonly Problem[]): Outcome => {
    tellProblems(problems, io)
    return { passed: 0, failed: 0, problems: problems.length }
  }
  const document = await readDocument(file)
  if (!document.ok) {
    const outcome = stop(document.problems)
    return existsSync(file) ? outcome : { ...outcome, caseless: file }
  }
  const cases = readCases(document)
  if (!cases.ok) {
    const outcome = stop(cases.problems)
    return holdsCases(document.data) ? outcome : { ...outcome, caseless: file }
  }
  const { policies, servers } = cases.file
  const named = policies.length > 0 ? policies : [basename(file).replace(CASES, '')]
  const read = await readPolicies(
    named.map((name) => (isAbsolute(name) ? name : join(dirname(file), name))),
    servers,
  )
  if (!read.ok) return stop(read.problems)
  for (const warning of read.warnings) io.err(`${formatProblem(warning)} (warning)`)
  let failed = 0
  const results = runCases(read.rules, cases.file, includes)
  for (const { name, line, failures } of results) {
    if (failures.length === 0) continue
    failed += 1
    io.out(`${file}:${line} ${name}: ${failures.join('; ')}`)
  }
  return { passed: results.length - failed, failed, problems: 0 }
}
