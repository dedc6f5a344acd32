/** Policy files named on a command line, to rules. */
import { readFile } from 'node:fs/promises'
import type { Problem, SourceDocument } from '../model/problem.ts'
import { compilePolicy } from '../policy/compile.ts'
import { namedServers } from '../policy/named-servers.ts'
import { openExpressions } from '../policy/open-expressions.ts'
import type { Rules } from '../policy/rules.ts'
import { readTextFile } from '../settings/reading.ts'
import { readYaml } from '../settings/yaml.ts'

export type PoliciesRead =
  | { readonly ok: true; readonly rules: Rules; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Compiles policy files without a configuration: the servers are those the files name, and the ones
 * given here.
 */
export async function readPolicies(
  files: readonly string[],
  servers: readonly string[],
): Promise<PoliciesRead> {
  const problems: Problem[] = []
  const documents: SourceDocument[] = []
  for (const file of files) {
    const read = await readDocument(file)
    if (read.ok) documents.push(read)
    else problems.push(...read.problems)
  }
  if (problems.length > 0) return { ok: false, problems }
  const names = [...new Set([...namedServers(documents), ...servers])]
  return compilePolicy(documents, names, { compileExpression: await openExpressions(documents) })
}

/** Reads one YAML file; a file that cannot be read is a problem like any other. */
export async function readDocument(file: string): Promise<ReturnType<typeof readYaml>> {
  const read = await readTextFile(file, (path) => readFile(path))
  if (read.ok) return readYaml(file, read.text)
  return { ok: false, problems: [{ file, line: 1, column: 1, message: read.why }] }
}
