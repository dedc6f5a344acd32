import type { Problem } from '../model/problem.ts'
import { formatProblem } from '../server/load-all.ts'
import type { Io } from './io.ts'

/** Says what is wrong with files, a line each; returns nothing, for whoever then has nothing to return. */
export function tellProblems(problems: readonly Problem[], io: Pick<Io, 'err'>): undefined {
  for (const problem of problems) io.err(formatProblem(problem))
}
