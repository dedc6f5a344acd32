/**
 * A map that never holds more than a fixed number of entries. Entries live in two generations: new and
 * used ones in the young, and when the young is half of the bound the old is dropped whole. Evicting
 * costs nothing per entry, where a delete-the-oldest `Map` of V8 walks over the holes of earlier
 * deletions, and what is used at least once per half turn stays.
 */
export type BoundedMap<Value> = {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
  /** Entries held now. */
  readonly size: number
}

/** Returns an empty map for at most `maxEntries` (2 or more) entries. */
export function createBoundedMap<Value>(maxEntries: number): BoundedMap<Value> {
  const half = Math.floor(maxEntries / 2)
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()

  const set = (key: string, value: Value) => {
    if (young.size >= half && !young.has(key)) {
      old = young
      young = new Map()
    }
    old.delete(key)
    young.set(key, value)
  }

  return {
    get: (key) => {
      const value = young.get(key)
      if (value !== undefined) return value
      const kept = old.get(key)
      if (kept !== undefined) set(key, kept)
      return kept
    },
    set,
    delete: (key) => {
      young.delete(key)
      old.delete(key)
    },
    get size() {
      return young.size + old.size
    },
  }
}
