/** `gatehouse policy check`: policy files by themselves, without a configuration. */
import type { Problem } from '../model/problem.ts'
import { howMany } from '../policy/how-many.ts'
import { findOver } from '../policy/warnings.ts'
import { formatProblem } from '../server/load-all.ts'
import { validate } from '../settings/validate.ts'
import type { Io } from './io.ts'
import { readDocument, readPolicies } from './read-policies.ts'
import { policyFiles } from './rule-set.ts'
import { tellProblems } from './tell-problems.ts'
import { misused, readArgs } from './usage.ts'

const HELP = `Usage: gatehouse policy check FILE…

Checks policy files together, as one policy. "gatehouse check" does the same for those of a configuration,
and knows which servers there are; here they are those that the policies name.

  FILE         a policy file, or a directory of them
  -h, --help   show this text

Exit code: 0 valid, 1 not valid (file:line:column on standard error), 2 used wrongly.`

/** @returns the exit code; warnings are part of a valid policy and change nothing about it. */
export async function policyCheck(
  args: readonly string[],
  io: Pick<Io, 'out' | 'err'>,
): Promise<number> {
  const given = readArgs(args, { usage: HELP, options: {}, takesWords: true }, io)
  if (given === undefined) return 0
  const { words } = given
  if (words.length === 0) return misused(io, 'policy check: no file named', HELP)
  const files = (await Promise.all(words.map(policyFiles))).flat()
  const faults = (await Promise.all(files.map(faultsOf))).flat()
  const read = await readPolicies(files, [])
  const problems = eachPlaceOnce([...faults, ...(read.ok ? [] : read.problems)])
  tellProblems(problems, io)
  if (!read.ok || problems.length > 0) return 1
  const rules = [...read.rules.servers.values()].flatMap(({ reaches }) =>
    reaches.map(({ rule }) => rule.id),
  )
  const servers = [...read.rules.servers.keys()].join(', ')
  const { size } = new Set(rules)
  io.out(`valid: ${howMany(size, 'rule')} for ${servers === '' ? 'no server' : servers}`)
  const over = findOver(read.rules.servers, Date.now())
  for (const warning of [...read.warnings, ...over]) io.out(`warning: ${formatProblem(warning)}`)
  return 0
}

/** The schema and whoever compiles the rules find the same mistakes, each in its words. */
function eachPlaceOnce(problems: readonly Problem[]): readonly Problem[] {
  const places = new Map<string, Problem>()
  for (const problem of problems) {
    const { file, line, column } = problem
    const place = `${file}:${line}:${column}`
    if (!places.has(place)) places.set(place, problem)
  }
  return [...places.values()]
}

/** What the schema finds; a file that cannot be read is found by whoever compiles it. */
async function faultsOf(file: string): Promise<readonly Problem[]> {
  const document = await readDocument(file)
  return document.ok ? validate('policy', document) : []
}
