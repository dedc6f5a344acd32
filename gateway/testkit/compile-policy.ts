import type { Path, SourceDocument } from '../model/problem.ts'
import { compilePolicy as compileWith, type CompileResult, type Known } from '../policy/compile.ts'
import { createExpressions } from '../policy/expression.ts'

/** Compiles policy files at once, with CEL loaded whether or not they need it. */
export function compilePolicy(
  documents: readonly SourceDocument[],
  servers: readonly string[],
  known: Omit<Known, 'compileExpression'> = {},
): CompileResult {
  return compileWith(documents, servers, { ...known, compileExpression: createExpressions() })
}

/** Servers that policies of tests are about. */
export const SERVERS = ['docs', 'db', 'notes']

/** A rule without a mistake. */
export const RULE = { id: 'a', effect: 'allow', subjects: [{ any: true }], tools: ['docs/x'] }

/** A document whose positions say which path was asked for: as the name of the file. */
export function fileOf(data: unknown): Parameters<typeof compilePolicy>[0][number] {
  return { file: 'a.yaml', data, at: nameOf }
}

function nameOf(path: Path, part?: string): { line: number; column: number; file: string } {
  return { line: 1, column: 1, file: path.join('.') + (part === 'key' ? ' (key)' : '') }
}
