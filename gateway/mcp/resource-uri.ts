/** Why a resource URI is not in canonical form, or undefined when it is. */
export function canonicalProblem(uri: string): string | undefined {
  return uri === '' ? 'it is empty' : undefined
}
