/** Which scopes count for which others: by scope, all that it includes, itself not among them. */
export type ScopeIncludes = ReadonlyMap<string, readonly string[]>

/** These scopes and all that they include. */
export function withIncluded(
  scopes: ReadonlySet<string>,
  includes: ScopeIncludes,
): ReadonlySet<string> {
  if (includes.size === 0) return scopes
  return new Set([...scopes, ...Array.from(scopes, (scope) => includes.get(scope) ?? []).flat()])
}

/**
 * What each scope includes, directly or through others. One that is said to include itself, however far
 * around, includes the rest of the circle.
 */
export function closeIncludes(said: Readonly<Record<string, readonly string[]>>): ScopeIncludes {
  const direct = new Map(Object.entries(said))
  return new Map(
    Array.from(direct.keys(), (scope): [string, readonly string[]] => {
      const found = new Set([scope])
      // A set is walked in the order in which it grows: what is added is visited too.
      for (const one of found) for (const other of direct.get(one) ?? []) found.add(other)
      found.delete(scope)
      return [scope, [...found]]
    }),
  )
}
