/** A whole policy named on a command line: a policy file, a directory of them, or a configuration. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NO_INCLUDES, type ScopeIncludes } from '../model/scope-includes.ts'
import { namedServers } from '../policy/named-servers.ts'
import type { Rules } from '../policy/rules.ts'
import { loadAll } from '../server/load-all.ts'
import type { Io } from './io.ts'
import { readDocument, readPolicies } from './read-policies.ts'
import { tellProblems } from './tell-problems.ts'

export type RuleSet = {
  /** Servers the policy names; those of a configuration are its own. */
  readonly servers: readonly string[]
  /** Scopes that count for others, as a configuration says; policy files say nothing of it. */
  readonly scopeIncludes: ScopeIncludes
  /** Compiles it, for further servers too unless it is a configuration. Undefined: reported on `io`. */
  compile(moreServers: readonly string[]): Promise<Rules | undefined>
}

/** Reads what `path` names; undefined when it cannot be read, which is reported on `io`. */
export async function readRuleSet(
  path: string,
  io: Pick<Io, 'err' | 'env'>,
): Promise<RuleSet | undefined> {
  const files = await policyFiles(path)
  const documents = []
  for (const file of files) {
    const read = await readDocument(file)
    if (!read.ok) return tellProblems(read.problems, io)
    documents.push(read)
  }
  if (documents.length === 0) {
    io.err(`no policy file in ${path}`)
    return undefined
  }
  const [first] = documents
  if (first !== undefined && isConfiguration(first.data)) return configuration(path, io)
  return {
    servers: namedServers(documents),
    scopeIncludes: NO_INCLUDES,
    compile: async (moreServers) => {
      const compiled = await readPolicies(files, moreServers)
      return compiled.ok ? compiled.rules : tellProblems(compiled.problems, io)
    },
  }
}

async function configuration(
  file: string,
  io: Pick<Io, 'err' | 'env'>,
): Promise<RuleSet | undefined> {
  const loaded = await loadAll({ file, env: io.env })
  if (!loaded.ok) return tellProblems(loaded.problems, io)
  const { rules, settings } = loaded
  return {
    servers: [...rules.servers.keys()],
    scopeIncludes: settings.scopeIncludes,
    compile: () => Promise.resolve(rules),
  }
}

/** The files of a directory as a configuration would find them; anything else is a file. */
export async function policyFiles(path: string): Promise<readonly string[]> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isDirectory) return [path]
  const names = await readdir(path)
  return names
    .filter(isPolicy)
    .toSorted()
    .map((name) => join(path, name))
}

function isPolicy(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/\.cases\.ya?ml$/.test(name) && !name.startsWith('.')
}

/** A configuration names servers as a mapping, which no policy does. */
function isConfiguration(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'servers' in data
}
