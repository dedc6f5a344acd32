/** What stands for every value beyond the bound. */
export const OTHER = 'other'

/** Keeps the values of one label few: the first `max` distinct ones pass, all others are `other`. */
export type BoundedLabel = (value: string) => string

/** @param max Distinct values that pass, for the life of the process. */
export function createBoundedLabel(max: number): BoundedLabel {
  const known = new Set<string>()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= max) return OTHER
    known.add(value)
    return value
  }
}
