/** What operators see and do of the accounts that people have connected. No answer holds a token. */
import type { Book } from '../vault/book.ts'
import { countConnections, rewrapAll } from '../vault/census.ts'
import type { Connect } from '../vault/connect.ts'
import type { Connection, ConnectionId } from '../vault/connection.ts'
import { Refusal } from '../model/refusal.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { plainText } from './claimed-actor.ts'
import { readFields } from './read-fields.ts'

/** Connections in one answer. */
const LIMIT = { default: 100, max: 1_000 }

/** A connection as it is named in a body. */
type Named = Omit<ConnectionId, 'tenant' | 'account'> & Partial<ConnectionId>

const FIELDS = {
  tenant: 'string',
  issuer: 'string',
  subject: 'string',
  provider: 'string',
  account: 'string',
} as const

/** The vault of the configuration in force. */
export type AdminVault = {
  readonly book: Book
  readonly connect: Pick<Connect, 'disconnect'>
  /** Seals the signing keys under the current key too. */
  readonly resealKeys: () => Promise<void>
}

/** `GET /admin/connections`, a page at a time: `limit`, and `after` with the `next` of the page before. */
export async function listConnections(
  query: URLSearchParams,
  { book }: AdminVault,
): Promise<AdminAnswer> {
  const limit = Number(query.get('limit') ?? LIMIT.default)
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT.max) {
    return problem(400, 'invalid', `limit must be from 1 to ${LIMIT.max}`)
  }
  const { connections, cursor } = await book.list({ after: query.get('after') ?? undefined, limit })
  const body = {
    connections: connections.map(shown),
    ...(cursor !== undefined && { next: cursor }),
  }
  return { status: 200, body }
}

/** `GET /admin/connections/health`: how many there are of each provider, by state. */
export async function connectionHealth({ book }: AdminVault): Promise<AdminAnswer> {
  return { status: 200, body: { providers: await countConnections(book) } }
}

/** `POST /admin/connections/revoke`: forgets one, and tells its provider. */
export async function revokeConnection(
  body: () => Promise<string>,
  { connect }: AdminVault,
): Promise<AdminAnswer> {
  const read = await readFields<Named>(body, FIELDS, ['issuer', 'subject', 'provider'])
  if ('refused' in read) return read.refused
  const id: ConnectionId = { tenant: 'default', account: 'default', ...read.fields }
  const detail = plainText(`${id.provider}/${id.account} of ${id.subject} of ${id.issuer}`)
  if (await connect.disconnect(id)) return { status: 200, body: { revoked: id }, detail }
  return problem(404, 'not_found', 'no such connection', { detail })
}

/**
 * `POST /admin/vault/rotate`: whatever an old key sealed, of the ring or of a key service, is sealed under the
 * current one.
 */
export async function rotateVault({ book, resealKeys }: AdminVault): Promise<AdminAnswer> {
  const result = await rewrapAll(book).catch((error: unknown) => {
    if (error instanceof Refusal) return error
    throw error
  })
  if (result instanceof Refusal) {
    const { detail = result.message } = result.extra
    return problem(503, 'unavailable', `not all is sealed anew: ${detail}`, { detail })
  }
  const { sealed, unreadable } = result
  await resealKeys()
  const detail = `${sealed} under the current key, ${unreadable} unreadable`
  return { status: 200, body: { sealed, unreadable }, detail }
}

function shown({ sealed, connectedAtMs, refreshedAtMs, expiresAtMs, ...rest }: Connection): object {
  return {
    ...rest,
    connectedAtSeconds: Math.floor(connectedAtMs / 1_000),
    refreshedAtSeconds: Math.floor(refreshedAtMs / 1_000),
    ...(expiresAtMs !== undefined && { expiresAtSeconds: Math.floor(expiresAtMs / 1_000) }),
    key: sealed.kid,
  }
}
