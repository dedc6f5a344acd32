/** Requests of one side of a connection that the other has not answered yet, by their JSON-RPC id. */
export type Asked<T> = {
  /** Adds one; false, with nothing changed, when a request with this id is there already. */
  add(id: string, request: T): boolean
  has(id: string): boolean
  /** Removes and returns it; undefined when nothing was asked with this id. */
  take(id: string): T | undefined
  /** Removes and returns those that fit, oldest first. */
  takeWhere(fits: (request: T) => boolean): readonly T[]
  readonly size: number
}

/** Ids are given as their bytes read, by `readId`: `"a"` is the same as `"\u0061"`, and `1` is not `"1"`. */
export function createAsked<T>(): Asked<T> {
  const requests = new Map<string | number, T>()
  return {
    add(id, request) {
      const key = keyOf(id)
      if (requests.has(key)) return false
      requests.set(key, request)
      return true
    },
    has: (id) => requests.has(keyOf(id)),
    take(id) {
      const key = keyOf(id)
      const request = requests.get(key)
      requests.delete(key)
      return request
    },
    takeWhere(fits) {
      const taken: T[] = []
      for (const [key, request] of requests) {
        if (!fits(request)) continue
        requests.delete(key)
        taken.push(request)
      }
      return taken
    },
    get size() {
      return requests.size
    },
  }
}

function keyOf(id: string): string | number {
  const value: unknown = JSON.parse(id)
  return typeof value === 'string' ? value : Number(value)
}
