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
}

/** Reads the head; one of no changes while nothing was ever revoked. */
export async function readHead(store: Store): Promise<RevocationHead> {
  const stored = await store.get(HEAD_KEY)
  if (stored === undefined) return { version: 0, changes: 0, recent: [] }
  return { version: stored.version, ...parseHead(stored.value) }
}

/** Says that an entry was written or deleted. Call it after that is stored. */
export async function advanceHead(store: Store, id: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const head = await readHead(store)
    const recent = [...head.recent, id].slice(-MAX_RECENT)
    const value = JSON.stringify({ changes: head.changes + 1, recent })
    if (await store.cas(HEAD_KEY, head.version, value)) return
  }
  const problem = 'stored, but other processes kept writing the head: repeat it to tell them'
  throw new RevocationError('contended', problem)
}

function parseHead(text: string): Omit<RevocationHead, 'version'> {
  const { changes, recent } = parseObject(text)
  if (!Number.isSafeInteger(changes) || !isTexts(recent)) {
    throw new RevocationError('unreadable', `the stored row ${HEAD_KEY} cannot be read`)
  }
  return { changes: Number(changes), recent }
}

function parseObject(text: string): { readonly changes?: unknown; readonly recent?: unknown } {
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
