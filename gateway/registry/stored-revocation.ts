/** How a revocation is written down in the store, and read back. */
import type { Revocation } from './revocation.ts'
import { REVOCATION_KINDS, RevocationError, revocationId } from './revocation.ts'

/** The version of the stored form. A reader that does not know it refuses the row. */
const FORM = 1

/** Returns the stored form: JSON, absent fields left out. */
export function formatRevocation(entry: Revocation): string {
  const { id: _, ...fields } = entry
  return JSON.stringify({ v: FORM, ...fields })
}

/**
 * Reads the stored form.
 *
 * @throws {RevocationError} `unreadable`: passing over an entry would let back in what was revoked.
 */
export function parseRevocation(key: string, text: string): Revocation {
  const row = parseRow(text)
  const kind = REVOCATION_KINDS.find((known) => known === row['kind'])
  const { issuer, value, by, reason, createdAtSeconds, cutoffSeconds, expiresAtSeconds } = row
  if (
    row['v'] !== FORM ||
    kind === undefined ||
    !isTextOrAbsent(issuer) ||
    typeof value !== 'string' ||
    typeof by !== 'string' ||
    !isTextOrAbsent(reason) ||
    typeof createdAtSeconds !== 'number' ||
    !isNumberOrAbsent(cutoffSeconds) ||
    // A subject without a cutoff would name nothing at all.
    (kind === 'subject') !== (cutoffSeconds !== undefined) ||
    !isNumberOrAbsent(expiresAtSeconds)
  ) {
    throw new RevocationError('unreadable', `the stored revocation ${key} cannot be read`)
  }
  const id = revocationId(kind, issuer, value)
  return { id, kind, issuer, value, by, reason, createdAtSeconds, cutoffSeconds, expiresAtSeconds }
}

function parseRow(text: string): Readonly<Record<string, unknown>> {
  try {
    const row: unknown = JSON.parse(text)
    return typeof row === 'object' && row !== null ? { ...row } : {}
  } catch {
    return {}
  }
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function isNumberOrAbsent(value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number'
}
