/** CEL for the policies that need it: most do not, and loading it is a good part of a start. */
import type { SourceDocument } from '../model/problem.ts'
import type { CompileExpression } from './expression.ts'
import { readPolicy } from './read-policy.ts'

/** Stands in where no rule has a `when`; one that had would be refused. */
const NO_EXPRESSIONS: CompileExpression = () => ({ ok: false, message: 'CEL is not loaded' })

/** The compiler of the expressions in policy files, which is loaded if there are any. */
export async function openExpressions(
  documents: readonly SourceDocument[],
): Promise<CompileExpression> {
  const isNeeded = documents.some(({ data }) =>
    readPolicy(data, () => undefined).rules.some(({ when }) => when !== undefined),
  )
  if (!isNeeded) return NO_EXPRESSIONS
  const { createExpressions } = await import('./expression.ts')
  return createExpressions()
}
