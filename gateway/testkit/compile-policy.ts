import type { SourceDocument } from '../model/problem.ts'
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
