/** The entries of the revocation list in the store, one row each. */
import type { Store } from '../model/store.ts'
import type { Revocation } from './revocation.ts'
import { RevocationError } from './revocation.ts'
import { formatRevocation, parseRevocation } from './stored-revocation.ts'

const ENTRY_PREFIX = 'revocation/entry/'

/** Rows read at once, so that no page keeps the process from its requests. */
const PAGE = 200

/** Attempts to write a row that other processes write too; each lost one means another won. */
const MAX_ATTEMPTS = 20

/** Reads one entry; undefined when it was lifted or has ended. */
export async function readEntry(store: Store, id: string): Promise<Revocation | undefined> {
  const key = ENTRY_PREFIX + id
  const stored = await store.get(key)
  return stored === undefined ? undefined : parseRevocation(key, stored.value)
}

/** Reads every entry, page by page. */
export async function* readEntries(store: Store): AsyncGenerator<Revocation> {
  for (let after = ENTRY_PREFIX; ;) {
    const page = await store.list(ENTRY_PREFIX, { limit: PAGE, after })
    for (const { key, value } of page) yield parseRevocation(key, value)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.key
  }
}

/**
 * Writes an entry and returns what is stored now. Over an earlier entry the later cutoff and the
 * later end count: revoking again never weakens.
 *
 * @throws {RevocationError} `contended`.
 */
export async function writeEntry(
  store: Store,
  entry: Revocation,
  nowMs: number,
): Promise<Revocation> {
  const key = ENTRY_PREFIX + entry.id
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const stored = await store.get(key)
    const earlier = stored === undefined ? undefined : parseRevocation(key, stored.value)
    const merged = earlier === undefined ? entry : merge(entry, earlier)
    const ends = merged.expiresAtSeconds
    const life = ends === undefined ? {} : { ttlMs: Math.max(1, ends * 1000 - nowMs) }
    if (await store.cas(key, stored?.version ?? 0, formatRevocation(merged), life)) return merged
  }
  throw new RevocationError('contended', 'other processes kept writing the same revocation')
}

/** Removes an entry; returns whether there was one. */
export async function deleteEntry(store: Store, id: string): Promise<boolean> {
  return store.delete(ENTRY_PREFIX + id)
}

function merge(entry: Revocation, earlier: Revocation): Revocation {
  return {
    ...entry,
    reason: entry.reason ?? earlier.reason,
    createdAtSeconds: earlier.createdAtSeconds,
    cutoffSeconds:
      entry.cutoffSeconds === undefined || earlier.cutoffSeconds === undefined
        ? entry.cutoffSeconds
        : Math.max(entry.cutoffSeconds, earlier.cutoffSeconds),
    // Undefined never ends, which is later than any time.
    expiresAtSeconds:
      entry.expiresAtSeconds === undefined || earlier.expiresAtSeconds === undefined
        ? undefined
        : Math.max(entry.expiresAtSeconds, earlier.expiresAtSeconds),
  }
}
