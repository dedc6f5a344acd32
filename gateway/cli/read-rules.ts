/** The rules that a command line names: of policy files, or of a configuration. */
import { NO_INCLUDES, type ScopeIncludes } from '../model/scope-includes.ts'
import type { Rules } from '../policy/rules.ts'
import { loadAll } from '../server/load-all.ts'
import type { Settings } from '../settings/settings.ts'
import type { Io } from './io.ts'
import { readPolicies } from './read-policies.ts'
import { tellProblems } from './tell-problems.ts'

/** Where rules are: either of the two is named. */
export type RulesSource = {
  /** A configuration, in place of policies. */
  readonly config: string | undefined
  readonly policies: readonly string[]
}

/** Rules that could be read, and what a configuration says beside them. */
export type RulesRead = {
  /** Compiles them, for further servers too unless a configuration says which there are. */
  readonly compile: (moreServers: readonly string[]) => Promise<Rules | undefined>
  readonly scopeIncludes: ScopeIncludes
  /** Undefined for policy files. */
  readonly settings: Settings | undefined
}

/** Reads them; undefined, here and of `compile`, when something is wrong with a file, which is said on `io`. */
export async function readRules(
  { config, policies }: RulesSource,
  io: Pick<Io, 'err' | 'env'>,
): Promise<RulesRead | undefined> {
  if (config === undefined) {
    return {
      compile: async (moreServers) => {
        const read = await readPolicies(policies, moreServers)
        return read.ok ? read.rules : tellProblems(read.problems, io)
      },
      scopeIncludes: NO_INCLUDES,
      settings: undefined,
    }
  }
  const loaded = await loadAll({ file: config, env: io.env })
  if (!loaded.ok) return tellProblems(loaded.problems, io)
  const { rules, settings } = loaded
  return {
    compile: () => Promise.resolve(rules),
    scopeIncludes: settings.scopeIncludes,
    settings,
  }
}
