/**
 * What one request has read already: `oidc-provider` asks for the same client several times while it serves
 * one request, and each time it would be a read from the store. Nothing is remembered from one to the next.
 */

export type RequestMemory<T> = {
  /** What is kept under this name; undefined outside of requests, too. */
  find(name: string): T | undefined
  keep(name: string, value: T): void
  forget(name: string): void
}

/** @param request The request that is being served; undefined outside of one. */
export function createRequestMemory<T>(request: () => object | undefined): RequestMemory<T> {
  const memories = new WeakMap<object, Map<string, T>>()
  const current = (): Map<string, T> | undefined => {
    const served = request()
    return served && memories.get(served)
  }
  return {
    find: (name) => current()?.get(name),
    keep: (name, value) => {
      const served = request()
      if (served === undefined) return
      const memory = memories.get(served) ?? new Map<string, T>()
      memories.set(served, memory.set(name, value))
    },
    forget: (name) => void current()?.delete(name),
  }
}
