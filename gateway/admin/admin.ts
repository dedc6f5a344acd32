/**
 * The admin API: what operators may do to a running gateway. Request in, answer out, no sockets. It
 * has one credential, and every action is recorded, also a refused one. Requests are judged in this
 * order: token, route, query, body. Without a configured token nothing is here at all.
 */
import type { Emit } from '../model/event.ts'
import { messageOf } from '../model/message-of.ts'
import type { Secret } from '../model/secret.ts'
import type { Pins } from '../registry/pins.ts'
import type { Revocations } from '../registry/revocations.ts'
import type { AdminAnswer } from './answer.ts'
import { problem } from './answer.ts'
import { claimedActor, plainText } from './claimed-actor.ts'
import type { ClientDesk } from './client-actions.ts'
import { listClients, removeClient } from './client-actions.ts'
import {
  connectionHealth,
  listConnections,
  revokeConnection,
  rotateVault,
  type AdminVault,
} from './connection-actions.ts'
import { createFailureMeter } from './failure-meter.ts'
import type { GrantDesk } from './grant-actions.ts'
import { createGrant, endGrant, endTask, listGrants } from './grant-actions.ts'
import { acceptPin, listPins } from './pin-actions.ts'
import type { Known } from './revocation-actions.ts'
import { addRevocation, liftRevocation, listRevocations } from './revocation-actions.ts'
import { createTokenCheck } from './token-check.ts'

/** What the ops port hands over. */
export type AdminRequest = {
  readonly method: string
  /** Without the query, as it came. */
  readonly path: string
  readonly query: URLSearchParams
  readonly authorization: string | undefined
  /** `X-Gatehouse-Actor`: who the operator says is asking. Recorded as claimed, never believed. */
  readonly actor: string | undefined
  /** The whole body; rejects with a RangeError when it is longer than the port takes. */
  readonly body: () => Promise<string>
  /** Socket address of the peer, for the record. */
  readonly address: string
}

/** What a running gateway says of itself; plain JSON values. */
export type AdminStatus = Readonly<Record<string, unknown>>

export type AdminOptions = GrantDesk & {
  /** Settings refuse one that could be guessed; undefined answers 404 to everything. */
  readonly token: Secret | undefined
  readonly revocations: Revocations
  /** The vault of the configuration in force. */
  readonly vault: () => AdminVault
  readonly pins: Pins
  readonly clients: ClientDesk['clients']
  /** Adds a key to sign tokens with; resolves with how many are published. */
  readonly rotateSigningKeys: () => Promise<number>
  /** Whom the configuration at work knows: revoking anything else is done, with a warning. */
  readonly known: () => Known
  readonly status: () => AdminStatus
  /** The tools that each server has listed. */
  readonly tools: () => Readonly<Record<string, readonly string[]>>
  /** Reads the configuration again. */
  readonly reload: () => Promise<Reloaded>
  readonly emit: Emit
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** How a reload ended, in lines of text for the operator. */
export type Reloaded = {
  readonly ok: boolean
  /** Why it was refused. */
  readonly problems: readonly string[]
  /** What to know of it when it was taken, such as settings that wait for a restart. */
  readonly notices: readonly string[]
}

type Ask = {
  readonly request: AdminRequest
  readonly options: AdminOptions
  /** Who asks, for the record. */
  readonly by: string
  /** The part of the path that names one thing; empty where there is none. */
  readonly id: string
}

/** One thing an operator can do. */
type Action = {
  readonly name: string
  readonly method: string
  readonly path: RegExp
  readonly run: (ask: Ask) => AdminAnswer | Promise<AdminAnswer>
}

const ACTIONS: readonly Action[] = [
  {
    name: 'connections.list',
    method: 'GET',
    path: /^\/admin\/connections$/,
    run: ({ request, options }) => listConnections(request.query, options.vault()),
  },
  {
    name: 'connections.health',
    method: 'GET',
    path: /^\/admin\/connections\/health$/,
    run: ({ request, options }) => refuseQuery(request) ?? connectionHealth(options.vault()),
  },
  {
    name: 'connections.revoke',
    method: 'POST',
    path: /^\/admin\/connections\/revoke$/,
    run: ({ request, options }) =>
      refuseQuery(request) ?? revokeConnection(request.body, options.vault()),
  },
  {
    name: 'vault.rotate',
    method: 'POST',
    path: /^\/admin\/vault\/rotate$/,
    run: ({ request, options }) => refuseQuery(request) ?? rotateVault(options.vault()),
  },
  { name: 'status', method: 'GET', path: /^\/admin\/status$/, run: readStatus },
  {
    name: 'tools.list',
    method: 'GET',
    path: /^\/admin\/tools$/,
    run: ({ request, options }) =>
      refuseQuery(request) ?? { status: 200, body: { tools: options.tools() } },
  },
  { name: 'reload', method: 'POST', path: /^\/admin\/reload$/, run: reload },
  {
    name: 'revocations.list',
    method: 'GET',
    path: /^\/admin\/revocations$/,
    run: ({ request, options }) => listRevocations(request.query, options.revocations),
  },
  {
    name: 'revocations.add',
    method: 'POST',
    path: /^\/admin\/revocations$/,
    run: ({ request, options, by }) => addRevocation(request, options, by),
  },
  {
    name: 'revocations.lift',
    method: 'DELETE',
    path: /^\/admin\/revocations\/(?<id>[^/]+)$/,
    run: ({ request, options, by, id }) =>
      liftRevocation(request.query, options.revocations, { id, by }),
  },
  {
    name: 'signing_keys.rotate',
    method: 'POST',
    path: /^\/admin\/signing-keys\/rotate$/,
    run: rotateSigningKeys,
  },
  {
    name: 'clients.list',
    method: 'GET',
    path: /^\/admin\/clients$/,
    run: ({ request, options }) => listClients(request.query, options),
  },
  {
    name: 'clients.remove',
    method: 'DELETE',
    path: /^\/admin\/clients\/(?<id>[^/]+)$/,
    run: ({ request, options, by, id }) => removeClient(request.query, options, { id, by }),
  },
  {
    name: 'pins.list',
    method: 'GET',
    path: /^\/admin\/pins$/,
    run: ({ request, options }) => listPins(request.query, options.pins),
  },
  {
    name: 'pins.accept',
    method: 'POST',
    path: /^\/admin\/pins\/accept$/,
    run: ({ request, options, by }) => acceptPin(request, options.pins, by),
  },
  {
    name: 'grants.list',
    method: 'GET',
    path: /^\/admin\/grants$/,
    run: ({ request, options }) => listGrants(request.query, options),
  },
  {
    name: 'grants.create',
    method: 'POST',
    path: /^\/admin\/grants$/,
    run: ({ request, options, by }) => createGrant(request, options, by),
  },
  {
    name: 'grants.end',
    method: 'DELETE',
    path: /^\/admin\/grants\/(?<id>[^/]+)$/,
    run: ({ request, options, by, id }) => endGrant(request.query, options, { id, by }),
  },
  {
    name: 'grants.end_task',
    method: 'DELETE',
    path: /^\/admin\/grants$/,
    run: ({ request, options, by }) => endTask(request.query, options, by),
  },
]

/** Makes the function that answers the admin API. It never rejects. */
export function createAdmin(
  options: AdminOptions,
): (request: AdminRequest) => Promise<AdminAnswer> {
  const { token, emit, now } = options
  if (token === undefined) return async () => problem(404, 'not_found', 'not found')
  const isRight = createTokenCheck(token)
  const failures = createFailureMeter(now)

  function record(request: AdminRequest, by: string, action: string, answer: AdminAnswer): void {
    const unrecorded = failures.takeUnrecorded()
    if (unrecorded > 0) {
      const detail = `${unrecorded} more refused, not recorded one by one`
      emit({ type: 'admin', by: 'unknown', action: 'authenticate', ok: false, detail })
    }
    const outcome = `${answer.status}${answer.detail === undefined ? '' : ` ${answer.detail}`}`
    const detail = `${outcome}, from ${plainText(request.address)}`
    emit({ type: 'admin', by, action, ok: answer.status < 400, detail })
  }

  return async (request) => {
    if (!isRight(request.authorization)) {
      if (!failures.take()) return tooManyFailures()
      const answer = unauthorized(request)
      record(request, 'unknown', 'authenticate', answer)
      return answer
    }
    const claimed = claimedActor(request.actor)
    const by = claimed === '' ? 'admin' : `admin (claims to be ${claimed})`
    const { name, answer } = await act(request, options, by)
    record(request, by, name, answer)
    return answer
  }
}

async function act(
  request: AdminRequest,
  options: AdminOptions,
  by: string,
): Promise<{ readonly name: string; readonly answer: AdminAnswer }> {
  const there = ACTIONS.filter(({ path }) => path.test(request.path))
  const action = there.find(({ method }) => method === request.method)
  if (action === undefined) return { name: 'unknown', answer: unknownAction(request, there) }
  const id = action.path.exec(request.path)?.groups?.['id'] ?? ''
  try {
    return { name: action.name, answer: await action.run({ request, options, by, id }) }
  } catch (error) {
    // Not for the answer: what went wrong inside is for the record.
    const detail = plainText(messageOf(error))
    const answer = problem(500, 'internal', 'the action failed; the audit log says why', { detail })
    return { name: action.name, answer }
  }
}

function readStatus({ request, options }: Ask): AdminAnswer {
  return refuseQuery(request) ?? { status: 200, body: options.status() }
}

async function rotateSigningKeys({ request, options }: Ask): Promise<AdminAnswer> {
  const refused = refuseQuery(request)
  if (refused !== undefined) return refused
  const published = await options.rotateSigningKeys()
  return { status: 200, body: { published }, detail: `${published} published` }
}

async function reload({ request, options }: Ask): Promise<AdminAnswer> {
  const refused = refuseQuery(request)
  if (refused !== undefined) return refused
  const { ok, problems, notices } = await options.reload()
  if (ok) return { status: 200, body: { ok, problems, notices } }
  const message = `the new configuration is not valid; the old one stays\n${problems.join('\n')}`
  return problem(422, 'invalid_configuration', message, { fields: { problems } })
}

function refuseQuery({ query }: AdminRequest): AdminAnswer | undefined {
  return query.size === 0 ? undefined : problem(400, 'invalid', 'no query is known here')
}

function unauthorized({ authorization }: AdminRequest): AdminAnswer {
  const what = authorization === undefined ? 'no admin token' : 'not the admin token'
  const headers = { 'www-authenticate': 'Bearer realm="gatehouse admin"' }
  return problem(401, 'unauthorized', 'send Authorization: Bearer with the admin token', {
    detail: what,
    headers,
  })
}

function tooManyFailures(): AdminAnswer {
  const headers = { 'retry-after': '1' }
  return problem(429, 'too_many_failures', 'too many requests without the admin token', { headers })
}

function unknownAction(request: AdminRequest, there: readonly Action[]): AdminAnswer {
  const detail = plainText(`${request.method} ${request.path}`)
  if (there.length === 0) return problem(404, 'not_found', 'no such admin resource', { detail })
  const allow = there.map(({ method }) => method).join(', ')
  const headers = { allow }
  return problem(405, 'method_not_allowed', `allowed here: ${allow}`, { detail, headers })
}
