/**
 * Freezes a value and everything plain inside it. Maps and Sets keep their methods; their types are
 * read-only, and nothing else holds a reference to them.
 */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
  return value
}
