/** Reads the body of `POST /admin/revocations`. */
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import { apiKeyPrefix, credentialFault } from '../identity/credential-text.ts'
import type { RevokeRequest } from '../registry/revocation.ts'
import { REVOCATION_KINDS } from '../registry/revocation.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { readObject } from './read-object.ts'

/** Every field a body may have. */
const FIELDS = ['kind', 'issuer', 'value', 'reason', 'expiresInSeconds']

/** What a body asks for, or why it is refused. Bounds of the values are the registry's. */
export type ReadBody =
  | { readonly asked: Omit<RevokeRequest, 'by'> }
  | { readonly refused: AdminAnswer }

/** Read as `readObject` does. */
export async function readRevocationBody(body: () => Promise<string>): Promise<ReadBody> {
  const read = await readObject(body)
  if ('refused' in read) return read
  const fields = read.members
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) return invalid(`unknown field; known are ${FIELDS.join(', ')}`)
  const { issuer, value, reason, expiresInSeconds } = fields
  const kind = REVOCATION_KINDS.find((known) => known === fields['kind'])
  if (kind === undefined) return invalid(`kind must be one of ${REVOCATION_KINDS.join(', ')}`)
  if (typeof value !== 'string') return invalid('value must be text')
  if (issuer !== undefined && typeof issuer !== 'string') return invalid('issuer must be text')
  if (reason !== undefined && typeof reason !== 'string') return invalid('reason must be text')
  if (expiresInSeconds !== undefined && typeof expiresInSeconds !== 'number') {
    return invalid('expiresInSeconds must be a number')
  }
  const ofApiKey = kind === 'token' && issuer === API_KEY_ISSUER
  const asked = { kind, issuer, value: ofApiKey ? apiKeyPrefix(value) : value, reason }
  const held = heldCredential(asked)
  return held === undefined ? { asked: { ...asked, expiresInSeconds } } : invalid(held)
}

/**
 * What to do instead, when a text holds a credential: the list, its answers and the audit log are read
 * by people who must not have it.
 */
function heldCredential(texts: Readonly<Record<string, string | undefined>>): string | undefined {
  const faults = Object.entries(texts).map(([field, text = '']) => credentialFault(field, text))
  return faults.find((fault) => fault !== undefined)
}

function invalid(message: string): ReadBody {
  return { refused: problem(400, 'invalid', message) }
}
