/** Which scopes count for others, by a configuration named on a command line. */
import type { Problem } from '../model/problem.ts'
import { closeIncludes, NO_INCLUDES, type ScopeIncludes } from '../model/scope-includes.ts'
import { validate } from '../settings/validate.ts'
import { readDocument } from './read-policies.ts'

/**
 * Reads `scope_includes` alone, so that the secrets of a configuration need not be where its policies are tried;
 * the file must still be one. Without a file no scope counts for another.
 */
export async function readScopeIncludes(
  file: string | undefined,
): Promise<
  | { readonly ok: true; readonly includes: ScopeIncludes }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  if (file === undefined) return { ok: true, includes: NO_INCLUDES }
  const document = await readDocument(file)
  if (!document.ok) return document
  const problems = validate('config', document)
  if (problems.length > 0) return { ok: false, problems }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has just accepted it
  const { scope_includes = {} } = document.data as {
    readonly scope_includes?: Readonly<Record<string, readonly string[]>>
  }
  return { ok: true, includes: closeIncludes(scope_includes) }
}
