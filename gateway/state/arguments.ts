/**
 * What every driver accepts, checked in one place so that no driver is kinder than another: a key or
 * value that works with one must work with all.
 */
import { StoreError } from './store-error.ts'

/** Bytes of a key in UTF-8: room for an issuer, a subject and a client, small enough to index. */
export const MAX_KEY_BYTES = 1024

/** Bytes of a value in UTF-8. Larger things are files, not state. */
export const MAX_VALUE_BYTES = 1024 * 1024

/**
 * Bytes of a message to subscribers: it is a hint where to look, not the thing itself, and with its
 * topic it must fit into a notification of PostgreSQL (8,000 bytes).
 */
export const MAX_MESSAGE_BYTES = 4 * 1024

/** Longest life, ten years: beyond it, leave the life out. */
export const MAX_TTL_MS = 10 * 365 * 24 * 60 * 60 * 1000

/** Entries of one `list`. */
export const MAX_LIST_LIMIT = 1000
/** The same where a caller names no limit. */
export const DEFAULT_LIST_LIMIT = 100

/** Throws unless the text is a key: 1 to `MAX_KEY_BYTES` bytes. */
export function checkKey(key: string): void {
  if (key === '') throw new StoreError('invalid', 'a key must not be empty')
  checkText('a key', key, MAX_KEY_BYTES)
}

/** Throws unless the text can start a key (empty: every key) or be the `after` of a list. */
export function checkPrefix(prefix: string): void {
  checkText('a prefix', prefix, MAX_KEY_BYTES)
}

/** Throws unless the text can be stored as a value. */
export function checkValue(value: string): void {
  checkText('a value', value, MAX_VALUE_BYTES)
}

/** Throws unless the text can be published. */
export function checkMessage(message: string): void {
  checkText('a message', message, MAX_MESSAGE_BYTES)
}

/** Throws unless the life is absent or between 1 ms and `MAX_TTL_MS`. */
export function checkTtl(ttlMs: number | undefined): void {
  if (ttlMs === undefined || (ttlMs >= 1 && ttlMs <= MAX_TTL_MS)) return
  throw new StoreError('invalid', `ttlMs must be from 1 to ${MAX_TTL_MS}`)
}

/** Throws unless the number is a version: 0 for absent, else one that a read returned. */
export function checkVersion(version: number): void {
  if (Number.isSafeInteger(version) && version >= 0) return
  throw new StoreError('invalid', 'a version must be a whole number from 0')
}

/** Throws unless the number can be added to a counter. */
export function checkIncrement(by: number): void {
  if (Number.isSafeInteger(by)) return
  throw new StoreError('invalid', 'an increment must be a whole number')
}

/** Returns the number of entries to list; throws unless it is absent or 1 to `MAX_LIST_LIMIT`. */
export function readLimit(limit: number = DEFAULT_LIST_LIMIT): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LIST_LIMIT) return limit
  throw new StoreError('invalid', `limit must be from 1 to ${MAX_LIST_LIMIT}`)
}

function checkText(what: string, text: string, maxBytes: number): void {
  // A lone surrogate has no UTF-8 form, and PostgreSQL text cannot hold U+0000.
  if (!text.isWellFormed() || text.includes('\0')) {
    throw new StoreError('invalid', `${what} must be well-formed text without U+0000`)
  }
  // No text is shorter in UTF-8 than in UTF-16 units, so most need no counting.
  if (text.length > maxBytes || (text.length * 3 > maxBytes && byteLength(text) > maxBytes)) {
    throw new StoreError('too_large', `${what} must not exceed ${maxBytes} bytes`)
  }
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
