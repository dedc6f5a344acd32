/** What is done with all connections at once: counting them, and sealing them anew. */
import type { Book } from './book.ts'
import type { Connection, ConnectionState } from './connection.ts'

/** Rows read at once. */
const PAGE = 500

/** Rows looked at in all. A vault with more is counted no further, which its numbers then show. */
export const MAX_ROWS = 100_000

/** How many connections of a provider are in a state. */
export type Count = {
  readonly provider: string
  readonly state: ConnectionState
  readonly count: number
}

/** Counts all connections. */
export async function countConnections(book: Book): Promise<readonly Count[]> {
  const counts = new Map<string, { provider: string; state: ConnectionState; count: number }>()
  for await (const { provider, state } of all(book)) {
    const key = `${provider} ${state}`
    const known = counts.get(key) ?? { provider, state, count: 0 }
    counts.set(key, { ...known, count: known.count + 1 })
  }
  return [...counts.values()]
}

/** Rows sealed anew at once: a key service is asked about each. */
const AT_ONCE = 16

/** Seals the keys of all connections under the current key. Rejects when a key service cannot be asked. */
export async function rewrapAll(
  book: Book,
): Promise<{ readonly sealed: number; readonly unreadable: number }> {
  let [sealed, unreadable] = [0, 0]
  const batch: Connection[] = []
  const finish = async (): Promise<void> => {
    const done = await Promise.all(batch.splice(0).map((one) => book.rewrap(one)))
    const count = done.filter(Boolean).length
    sealed += count
    unreadable += done.length - count
  }
  for await (const connection of all(book)) {
    if (batch.push(connection) === AT_ONCE) await finish()
  }
  await finish()
  return { sealed, unreadable }
}

async function* all(book: Book): AsyncGenerator<Connection> {
  let after: string | undefined
  for (let rows = 0; rows < MAX_ROWS; rows += PAGE) {
    const { connections, cursor } = await book.list({ after, limit: PAGE })
    yield* connections
    if (cursor === undefined) return
    after = cursor
  }
}
