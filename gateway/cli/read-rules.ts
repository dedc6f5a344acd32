/** The rules that a command line names: of policy files, or of a configuration. */
import type { Problem } from '../model/problem.ts'
import { NO_INCLUDES, type ScopeIncludes } from '../model/scope-includes.ts'
import type { Rules } from '../policy/rules.ts'
import { formatProblem, loadAll } from '../server/load-all.ts'
import type { Settings } from '../settings/settings.ts'
import type { Io } from './io.ts'
import { readPolicies } from './read-policies.ts'

export type RulesSource = {
  /** A configuration, in place of policies. */
  readonly config: string | undefined
  readonly policies: readonly string[]
}

export type RulesRead = {
  /** Compiles them, for this server too where a configuration does not say which there are. */
  readonly rules: (server: string) => Promise<Rules | undefined>
  readonly scopeIncludes: ScopeIncludes
  /** Undefined for policy files. */
  readonly settings: Settings | undefined
}

/** Reads them; undefined, here and of `rules`, when something is wrong with a file, which is said on `io`. */
export async function readRules(
  { config, policies }: RulesSource,
  io: Pick<Io, 'err' | 'env'>,
): Promise<RulesRead | undefined> {
  const told = (problems: readonly Problem[]): undefined => {
    for (const problem of problems) io.err(formatProblem(problem))
  }
  if (config === undefined) {
    const rules = async (server: string): Promise<Rules | undefined> => {
      const read = await readPolicies(policies, [server])
      return read.ok ? read.rules : told(read.problems)
    }
    return { rules, scopeIncludes: NO_INCLUDES, settings: undefined }
  }
  const loaded = await loadAll({ file: config, env: io.env })
  if (!loaded.ok) return told(loaded.problems)
  const { rules, settings } = loaded
  return {
    rules: () => Promise.resolve(rules),
    scopeIncludes: settings.scopeIncludes,
    settings,
  }
}
