/** Claims of a token as conditions ask for them. */

/** What a claim may be asked to be. */
export type ClaimValue = string | number | boolean

/**
 * Whether a claim is one of the values, or a list that holds one. A name with dots is a claim of that very name
 * where the token has one, else the way into nested ones. Only what the token itself holds counts.
 */
export function hasClaim(
  claims: Readonly<Record<string, unknown>> | undefined,
  name: string,
  anyOf: readonly ClaimValue[],
): boolean {
  const value = claimOf(claims, name)
  const held: readonly unknown[] = Array.isArray(value) ? value : [value]
  return held.some((one) => anyOf.some((wanted) => wanted === one))
}

/** The value of a claim; undefined where the token has none. */
export function claimOf(
  claims: Readonly<Record<string, unknown>> | undefined,
  name: string,
): unknown {
  if (claims === undefined) return undefined
  if (Object.hasOwn(claims, name)) return claims[name]
  return name.split('.').reduce(memberOf, claims)
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
