/** Listing clients that registered themselves, and removing one, by the admin API. */
import type { Emit } from '../model/event.ts'
import type { Clients } from '../registry/clients.ts'
import { TOKEN_REVOCATION_SECONDS } from '../registry/revocation.ts'
import type { Revocations } from '../registry/revocations.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { plainText } from './claimed-actor.ts'

/** What the actions need. */
export type ClientDesk = {
  /** The book of our own authorization server; undefined where there is none. */
  readonly clients: Pick<Clients, 'list' | 'remove'> | undefined
  readonly revocations: Revocations
  readonly emit: Emit
}

/** Clients of one answer. */
const PAGE = 100

/** `GET /admin/clients?after=`: a page in the order of ids, and in `next` the id to ask for after it. */
export async function listClients(
  query: URLSearchParams,
  { clients }: ClientDesk,
): Promise<AdminAnswer> {
  const unknown = [...query.keys()].find((name) => name !== 'after')
  if (unknown !== undefined) return problem(400, 'invalid', 'known here: after')
  if (clients === undefined) return noServer()
  const page = await clients.list(query.get('after') ?? undefined, PAGE)
  const shown = page.map(({ rows: _rows, ...client }) => client)
  const more = page.length === PAGE ? { next: page.at(-1)?.id } : {}
  return { status: 200, body: { clients: shown, ...more } }
}

/** `DELETE /admin/clients/{id}`: the client is no more, and no token of it is worth anything. */
export async function removeClient(
  query: URLSearchParams,
  { clients, revocations, emit }: ClientDesk,
  { id, by }: { readonly id: string; readonly by: string },
): Promise<AdminAnswer> {
  if (query.size > 0) return problem(400, 'invalid', 'no query is known here')
  if (clients === undefined) return noServer()
  const detail = plainText(id)
  const removed = await clients.remove(id)
  if (removed === undefined) {
    return problem(404, 'not_found', 'no such client registered itself', { detail })
  }
  const expiresInSeconds = TOKEN_REVOCATION_SECONDS
  await revocations.revoke({ kind: 'client', value: id, by, expiresInSeconds })
  emit({ type: 'client_removed', client: id, why: 'revoked', by })
  return { status: 200, body: { removed: id }, detail }
}

function noServer(): AdminAnswer {
  return problem(404, 'not_found', 'this gateway is no authorization server')
}
