/** Who is known to be registered, and how many of them came with each registration token. */
import type { RegisteredClient } from './clients.ts'

export type Census = {
  /** Notes a client; one that was noted before is not counted twice. */
  add(client: RegisteredClient): void
  remove(id: string): void
  has(id: string): boolean
  /** How many came with this token (or with none), without counting them again. */
  count(token: string | undefined): number
  /**
   * Forgets everybody but these, and whoever registered after somebody began to look for them; returns those who
   * were known and are forgotten.
   *
   * @param sinceMs Epoch milliseconds.
   */
  replace(clients: readonly RegisteredClient[], sinceMs: number): readonly RegisteredClient[]
}

/** A census of nobody. */
export function createCensus(): Census {
  const known = new Map<string, RegisteredClient>()
  const counts = new Map<string | undefined, number>()
  const change = (token: string | undefined, by: number): void => {
    const count = (counts.get(token) ?? 0) + by
    if (count === 0) counts.delete(token)
    else counts.set(token, count)
  }
  const remove = (id: string): void => {
    const client = known.get(id)
    if (client !== undefined && known.delete(id)) change(client.token, -1)
  }
  const add = (client: RegisteredClient): void => {
    remove(client.id)
    known.set(client.id, client)
    change(client.token, 1)
  }
  return {
    add,
    remove,
    has: (id) => known.has(id),
    count: (token) => counts.get(token) ?? 0,
    replace: (clients, sinceMs) => {
      const there = new Set(clients.map(({ id }) => id))
      const gone = [...known.values()].filter(
        ({ id, registeredAtMs }) => !there.has(id) && registeredAtMs < sinceMs,
      )
      for (const { id } of gone) remove(id)
      for (const client of clients) add(client)
      return gone
    },
  }
}
