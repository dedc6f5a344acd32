/**
 * The row that says whether the revocation list has changed, and names the latest changes. Its one
 * writer wins by compare-and-set, so the count of changes has no gaps and a reader that is not too
 * far behind knows exactly which entries to read.
 */
import type { Store } from '../model/store.ts'
import { RevocationError } from './revocation.ts'

const HEAD_KEY = 'revocation/head'

/** Changes the head names; a reader further behind reads the whole list. Keeps the row under 2 KiB. */
const MAX_RECENT = 64

/** Attempts to write the head; each lost one means that another process got its change in. */
const MAX_ATTEMPTS = 50

export type RevocationHead = {
  /** The stored version of the row; 0 while there is none. */
  readonly version: number
  /** Changes made since the store began. */
  readonly changes: number
  /** Ids of the entries changed last, the latest at the end. */
  readonly recent: readonly string[]
  /** Names this head: another one is that of a store that was emptied. Undefined while there is none. */
  readonly name: string | undefined
}

/** Reads the head; one of no changes while nothing was ever revoked. */
export async function readHead(store: Store): Promise<RevocationHead> {
  const stored = await store.get(HEAD_KEY)
  if (stored === undefined) return { version: 0, changes: 0, recent: [], name: undefined }
  return { version: stored.version, ...parseHead(stored.value) }
}

/**
 * Says that an entry was written or deleted. Call it after that is stored.
 *
 * @param changes How many were; of more than one every reader reads the whole list.
 * @returns the name of the head.
 */
export async function advanceHead(store: Store, id: string, changes = 1): Promise<string> {
  const jump = changes === 1 ? 1 : MAX_RECENT + changes
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const head = await readHead(store)
    const recent = [...head.recent, id].slice(-MAX_RECENT)
    const name = head.name ?? crypto.randomUUID()
    const value = JSON.stringify({ changes: head.changes + jump, recent, name })
    if (await store.cas(HEAD_KEY, head.version, value)) return name
  }
  const problem = 'stored, but other processes kept writing the head: repeat it to tell them'
  throw new RevocationError('contended', problem)
}

function parseHead(text: string): Omit<RevocationHead, 'version'> {
  const { changes, recent, name } = parseObject(text)
  if (!Number.isSafeInteger(changes) || !isTexts(recent)) {
    throw new RevocationError('unreadable', `the stored row ${HEAD_KEY} cannot be read`)
  }
  return { changes: Number(changes), recent, name: typeof name === 'string' ? name : undefined }
}

function parseObject(text: string): {
  readonly changes?: unknown
  readonly recent?: unknown
  readonly name?: unknown
} {
  try {
    const row: unknown = JSON.parse(text)
    return typeof row === 'object' && row !== null ? row : {}
  } catch {
    return {}
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
