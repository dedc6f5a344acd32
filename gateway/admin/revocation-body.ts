/** Reads the body of `POST /admin/revocations`. */
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import { apiKeyPrefix, credentialFault } from '../identity/credential-text.ts'
import type { RevokeRequest } from '../registry/revocation.ts'
import { REVOCATION_KINDS } from '../registry/revocation.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'

/** Characters of a body. The longest one that is valid has about a fifth. */
export const MAX_BODY_CHARS = 16_384

/** Every field a body may have. */
const FIELDS = ['kind', 'issuer', 'value', 'reason', 'expiresInSeconds']

/** What a body asks for, or why it is refused. Bounds of the values are the registry's. */
export type ReadBody =
  | { readonly asked: Omit<RevokeRequest, 'by'> }
  | { readonly refused: AdminAnswer }

/** A body that is longer than `MAX_BODY_CHARS` is refused with 413. Rejects when it breaks off. */
export async function readRevocationBody(body: () => Promise<string>): Promise<ReadBody> {
  const text = await readText(body)
  if (text === undefined || text.length > MAX_BODY_CHARS) {
    const message = `a body must not exceed ${MAX_BODY_CHARS} characters`
    return { refused: problem(413, 'too_large', message) }
  }
  const fields = parseObject(text)
  if (fields === undefined) return invalid('the body must be a JSON object')
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

/** The text of a body; undefined when the port says that it is too long. */
export async function readText(body: () => Promise<string>): Promise<string | undefined> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Undefined for what is no JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function invalid(message: string): ReadBody {
  return { refused: problem(400, 'invalid', message) }
}
