/**
 * The key ring: lines, or entries separated by commas, of `<id>:<base64url of 32 bytes>`. The first is
 * current. Blank lines and lines beginning with # are skipped.
 */
import type { RingKey } from '../model/ring-key.ts'
import { Secret } from '../model/secret.ts'

/** Keys are for AES-256-GCM and HKDF-SHA256: 256 bit. */
const KEY_BYTES = 32

/** Distinct bytes in 32 random ones are 30 on average; fewer than this has odds below 1 in 10^14. */
const MIN_DISTINCT_BYTES = 16

/** One current key and a few that still open old handles; more means rotation has gone wrong. */
export const MAX_KEYS = 16

export type KeyRingResult = {
  readonly keys: readonly RingKey[]
  /** Never repeats a key. Lines count from 1. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Reads a key ring and everything wrong with it. Weak and placeholder keys are refused. */
export function parseKeyRing(text: string): KeyRingResult {
  const keys: RingKey[] = []
  const problems: { line: number; message: string }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trimStart().startsWith('#')) continue
    for (const entry of line.split(',').map((part) => part.trim())) {
      if (entry === '') continue
      const result = parseEntry(entry, keys)
      if (typeof result === 'string') problems.push({ line: index + 1, message: result })
      else keys.push(result)
    }
  }
  if (keys.length > MAX_KEYS) problems.push({ line: 1, message: `more than ${MAX_KEYS} keys` })
  return { keys, problems }
}

/** The key, or what is wrong with it. */
function parseEntry(entry: string, earlier: readonly RingKey[]): RingKey | string {
  const match = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9_-]+)$/.exec(entry)
  if (match === null) {
    return 'must be <id>:<base64url of 32 bytes>; "gatehouse keys new" prints an entry'
  }
  const [, id = '', text = ''] = match
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== KEY_BYTES || bytes.toString('base64url') !== text) {
    return `key "${id}" must be exactly ${KEY_BYTES} bytes in base64url; "gatehouse keys new" prints one`
  }
  if (isWeak(bytes)) return `key "${id}" is not random; "gatehouse keys new" prints one that is`
  if (earlier.some((key) => key.id === id))
    return `key id "${id}" appears twice; "gatehouse keys new --id NAME" prints a key with another`
  return { id, key: new Secret(text) }
}

/** Repeated or consecutive bytes, or encoded text: what people type when they need 32 bytes. */
function isWeak(bytes: Buffer): boolean {
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  const isRun = bytes.every((byte, index) => index === 0 || byte - (bytes[index - 1] ?? 0) === 1)
  return isText || isRun || new Set(bytes).size < MIN_DISTINCT_BYTES
}
