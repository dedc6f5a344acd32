/** Listing, adding and lifting revocations by the admin API. */
import { API_KEY_ISSUER } from '../identity/api-keys.ts'
import type { Emit } from '../model/event.ts'
import type { Revocation, RevocationProblem } from '../registry/revocation.ts'
import { REVOCATION_ID, RevocationError } from '../registry/revocation.ts'
import type { Revocations } from '../registry/revocations.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { plainText } from './claimed-actor.ts'
import { readRevocationBody } from './revocation-body.ts'

/** The issuers and API keys of a configuration. */
export type Known = {
  readonly issuers: readonly string[]
  readonly apiKeyPrefixes: readonly string[]
}

/** What adding a revocation needs. */
export type RevokeDesk = {
  readonly revocations: Revocations
  readonly known: () => Known
  readonly emit: Emit
}

/** Revocations of one answer, at most and by default. */
const MAX_PAGE = 1000
const DEFAULT_PAGE = 100

const STATUS_OF: Readonly<Record<RevocationProblem, number>> = {
  invalid: 400,
  full: 409,
  contended: 503,
  unavailable: 503,
  unreadable: 500,
}

/**
 * `GET /admin/revocations?limit=&after=`: a page, and in `next` the id to ask for after it. A list
 * that changes between two pages may repeat or miss an entry.
 */
export function listRevocations(query: URLSearchParams, revocations: Revocations): AdminAnswer {
  const unknown = [...query.keys()].find((name) => name !== 'limit' && name !== 'after')
  if (unknown !== undefined) return problem(400, 'invalid', 'known here: limit, after')
  const limit = Number(query.get('limit') ?? DEFAULT_PAGE)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    return problem(400, 'invalid', `limit must be a whole number from 1 to ${MAX_PAGE}`)
  }
  const all = revocations.list()
  const after = query.get('after')
  const last = after === null ? -1 : all.findIndex(({ id }) => id === after)
  if (after !== null && last === -1) {
    return problem(400, 'invalid', 'after names no revocation in force; start again without it')
  }
  const page = all.slice(last + 1, last + 1 + limit)
  const more = last + 1 + limit < all.length ? { next: page.at(-1)?.id } : {}
  return { status: 200, body: { revocations: page, total: all.length, ...more } }
}

/**
 * `POST /admin/revocations`: in force at this process when answered, elsewhere within seconds. A slip
 * in an issuer or a prefix would revoke nothing that is in use; the `warning` says so.
 */
export async function addRevocation(
  request: { readonly query: URLSearchParams; readonly body: () => Promise<string> },
  { revocations, known, emit }: RevokeDesk,
  by: string,
): Promise<AdminAnswer> {
  if (request.query.size > 0) return problem(400, 'invalid', 'no query is known here')
  const read = await readRevocationBody(request.body)
  if ('refused' in read) return read.refused
  try {
    const entry = await revocations.revoke({ ...read.asked, by })
    const warning = unknownOf(entry, known())
    if (warning === undefined) return { status: 201, body: entry, detail: describe(entry) }
    emit({ type: 'warning', what: 'revoked_unknown', detail: plainText(warning) })
    return { status: 201, body: { ...entry, warning }, detail: describe(entry) }
  } catch (error) {
    return failed(error)
  }
}

/** `DELETE /admin/revocations/{id}`. */
export async function liftRevocation(
  query: URLSearchParams,
  revocations: Revocations,
  { id, by }: { readonly id: string; readonly by: string },
): Promise<AdminAnswer> {
  if (query.size > 0) return problem(400, 'invalid', 'no query is known here')
  try {
    if (REVOCATION_ID.test(id) && (await revocations.lift(id, by)))
      return { status: 200, body: { lifted: id }, detail: id }
    return problem(404, 'not_found', 'no such revocation', { detail: plainText(id) })
  } catch (error) {
    return failed(error)
  }
}

function unknownOf({ kind, issuer, value }: Revocation, known: Known): string | undefined {
  if (issuer === undefined) return undefined
  if (issuer !== API_KEY_ISSUER) {
    if (known.issuers.includes(issuer)) return undefined
    return `the configuration has no issuer ${JSON.stringify(issuer)}`
  }
  if (kind !== 'token' || known.apiKeyPrefixes.includes(value)) return undefined
  return `the configuration has no API key with the prefix ${JSON.stringify(value)}`
}

function failed(error: unknown): AdminAnswer {
  if (!(error instanceof RevocationError)) throw error
  return problem(STATUS_OF[error.code], error.code, error.message)
}

function describe({ id, kind, issuer, value }: Revocation): string {
  return `${id}: ${kind} ${value}${issuer === undefined ? '' : ` of ${issuer}`}`
}
