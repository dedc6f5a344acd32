import type { Caller } from './caller.ts'

/** Which scopes count for which others: by scope, all that it includes, itself not among them. */
export type ScopeIncludes = ReadonlyMap<string, readonly string[]>

/** Where no scope counts for another. */
export const NO_INCLUDES: ScopeIncludes = new Map()

/** These scopes and all that they include. */
export function withIncluded(
  scopes: ReadonlySet<string>,
  includes: ScopeIncludes,
): ReadonlySet<string> {
  if (includes.size === 0) return scopes
  return new Set([...scopes, ...Array.from(scopes, (scope) => includes.get(scope) ?? []).flat()])
}

/** The caller with all that its scopes include, as one whose token was read. */
export function callerWithIncluded(caller: Caller, includes: ScopeIncludes): Caller {
  return includes.size === 0 ? caller : { ...caller, scopes: withIncluded(caller.scopes, includes) }
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
