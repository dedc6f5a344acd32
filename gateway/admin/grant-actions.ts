/** Listing, making and ending grants by the admin API. */
import { messageOf } from '../model/message-of.ts'
import type { GrantTerms } from '../model/terms.ts'
import type { GrantRequest } from '../registry/grant.ts'
import { GRANT_ID, GrantError } from '../registry/grant.ts'
import type { Grants } from '../registry/grants.ts'
import { LedgerFull } from '../registry/ledger.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { plainText } from './claimed-actor.ts'
import { readFields } from './read-fields.ts'

/** What making a grant needs. */
export type GrantDesk = {
  readonly grants: Grants
  /** The rules in force that hold only with a grant, by id. */
  readonly grantRules: () => ReadonlyMap<string, GrantTerms>
}

/** Fields of `POST /admin/grants`, and what they hold. */
const FIELDS = {
  rule: 'string',
  issuer: 'string',
  subject: 'string',
  client: 'string',
  task: 'string',
  reason: 'string',
  ttlSeconds: 'number',
  maxUses: 'number',
} as const

/** `GET /admin/grants`: all of them. */
export function listGrants(query: URLSearchParams, { grants }: GrantDesk): AdminAnswer {
  if (query.size > 0) return problem(400, 'invalid', 'no query is known here')
  return { status: 200, body: { grants: grants.list() } }
}

/** `POST /admin/grants`: in force at this process when answered, at others a moment later. */
export async function createGrant(
  request: { readonly query: URLSearchParams; readonly body: () => Promise<string> },
  { grants, grantRules }: GrantDesk,
  by: string,
): Promise<AdminAnswer> {
  if (request.query.size > 0) return problem(400, 'invalid', 'no query is known here')
  const read = await readFields<GrantRequest>(request.body, FIELDS, ['rule', 'issuer', 'subject'])
  if ('refused' in read) return read.refused
  const terms = grantRules().get(read.fields.rule)
  if (terms === undefined) {
    const rules = [...grantRules().keys()].join(', ') || 'none'
    const message = `no rule in force has this id and holds only with a grant; those that do: ${rules}`
    return problem(400, 'unknown_rule', message)
  }
  return await attempt(async () => {
    const grant = await grants.create(read.fields, terms, by)
    return { status: 201, body: grant, detail: `${grant.id}: ${grant.rule}` }
  })
}

/** `DELETE /admin/grants/{id}`. */
export async function endGrant(
  query: URLSearchParams,
  { grants }: GrantDesk,
  { id, by }: { readonly id: string; readonly by: string },
): Promise<AdminAnswer> {
  if (query.size > 0) return problem(400, 'invalid', 'no query is known here')
  return await attempt(async () => {
    const ended = GRANT_ID.test(id) ? await grants.end(id, by) : undefined
    if (ended !== undefined) return { status: 200, body: { ended: [id] }, detail: id }
    return problem(404, 'not_found', 'no such grant', { detail: plainText(id) })
  })
}

/** `DELETE /admin/grants?task=`: the task is done. */
export async function endTask(
  query: URLSearchParams,
  { grants }: GrantDesk,
  by: string,
): Promise<AdminAnswer> {
  const task = query.get('task')
  if (query.size !== 1 || task === null || task === '') {
    return problem(400, 'invalid', 'say which task is done: ?task=')
  }
  return await attempt(async () => {
    const ended = (await grants.endTask(task, by)).map(({ id }) => id)
    return { status: 200, body: { ended }, detail: plainText(`task ${task}: ${ended.length}`) }
  })
}

async function attempt(work: () => Promise<AdminAnswer>): Promise<AdminAnswer> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof GrantError) return problem(400, 'invalid', error.message)
    if (error instanceof LedgerFull) return problem(409, 'full', error.message)
    // The store says what is wrong with it, for the record.
    const detail = plainText(messageOf(error))
    return problem(503, 'unavailable', 'the state store could not be asked', { detail })
  }
}
