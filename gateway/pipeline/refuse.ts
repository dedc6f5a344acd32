/** Turns a refusal into an answer. `docs/errors.md` lists them all. */
import type { Call } from '../model/call.ts'
import type { Journey } from '../model/journey.ts'
import type { RefusalCode } from '../model/refusal.ts'
import { Refusal, REFUSALS } from '../model/refusal.ts'
import { challenge } from '../oauth/challenge.ts'
import { LEGACY_VERSIONS } from '../mcp/spoken.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import { linkAnswer } from './link-answer.ts'
import { sealOwnState } from './request-state.ts'
import type { Outgoing, Visit } from './visit.ts'

/** What of a visit its refusal depends on. */
export type Refused = Pick<
  Visit,
  'journey' | 'head' | 'server' | 'batch' | 'side' | 'declared' | 'session'
>

/** A head that two readers could frame differently: nothing that follows on its connection is read (RFC 9112 §11.2). */
const UNTRUSTED_HEAD: ReadonlySet<RefusalCode> = new Set([
  'bad_header',
  'head_too_large',
  'http_version',
])

/** What the thrown value means, written into the journey for the record. */
export function noteRefusal(error: unknown, visit: Pick<Visit, 'journey' | 'gone'>): Refusal {
  const refusal = toRefusal(error)
  const { journey } = visit
  // A client that hung up was not refused; that its exchange broke off is our own doing.
  if (!visit.gone) journey.refusal = refusal.code
  journey.detail = refusal.extra.detail
  return refusal
}

/** Anything that is not a refusal is a fault of ours: the caller learns nothing, the record the rest. */
function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : 'thrown value'
  return new Refusal('internal', { detail, cause: error })
}

export function refuse(refusal: Refusal, visit: Refused, desk: Desk): Outgoing {
  const { code, extra } = refusal
  const id = noteError(refusal, visit.journey)
  const call = visit.journey.calls.at(-1)?.call
  const told = isBatched(visit) ? undefined : tellLink(refusal, call, visit, desk)
  const status = told === undefined ? statusOf(refusal, call, visit) : 200
  const headers = ['content-type', 'application/json', 'cache-control', 'no-store']
  const authenticate = challengeFor(refusal, visit, desk)
  if (authenticate !== undefined) headers.push('www-authenticate', authenticate)
  if (extra.retryAfterSeconds !== undefined) {
    headers.push('retry-after', String(Math.ceil(extra.retryAfterSeconds)))
  }
  if (code === 'method_not_allowed') {
    headers.push('allow', methodsOf(visit))
  }
  // RFC 9110 §15.5.22
  if (code === 'upgrade_required') headers.push('upgrade', 'websocket', 'connection', 'Upgrade')
  headers.push(...corsHeaders(visit, desk.routes))
  return {
    status,
    headers,
    ...(UNTRUSTED_HEAD.has(code) && { connection: 'close' }),
    body: {
      kind: 'whole',
      bytes: status === 401 ? oauthBody(refusal) : (told ?? bodyFor(refusal, id, visit, desk)),
    },
  }
}

/** The answer that asks a person to open a link, where this refusal is one and its caller can be told so. */
function tellLink(
  { extra: { link } }: Refusal,
  call: Call | undefined,
  { journey, server, session, declared = session?.declared ?? [] }: Refused,
  desk: Pick<Desk, 'seals' | 'now'>,
): string | undefined {
  const { caller } = journey
  if (link === undefined || caller === undefined || server === undefined) return undefined
  if (call?.kind !== 'request' || call.id === undefined) return undefined
  // A client that is not connected yet has agreed on nothing that it could be told in.
  if (call.method === 'initialize') return undefined
  if (server.refusals === 'http') return undefined
  const state = (): string => sealOwnState({ caller, server, call }, desk)
  return linkAnswer({ link, call, id: call.id, declared, state })
}

/** The refusal of one message where there is no status and no header to tell it, as on a WebSocket. */
export function refuseMessage(
  refusal: Refusal,
  visit: Refused,
  desk: Pick<Desk, 'seals' | 'now'>,
): string {
  const id = noteError(refusal, visit.journey)
  return tellLink(refusal, visit.journey.calls.at(-1)?.call, visit, desk) ?? errorBody(refusal, id)
}

/** Writes the error into the journey. @returns the id of what is refused, where it is known. */
function noteError(refusal: Refusal, journey: Journey): string | undefined {
  journey.rpcError = rpcOf(refusal)
  if (journey.ending === 'complete') journey.ending = endingOf(refusal, journey)
  return journey.calls.at(-1)?.call.id ?? refusal.extra.id
}

/** Policy may refuse an answer too: then nothing failed. */
function endingOf({ code }: Refusal, { attempts }: Journey): Journey['ending'] {
  return attempts > 0 && code !== 'policy_denied' ? 'upstream_failed' : 'refused'
}

/**
 * Once a request has been judged, stock clients need HTTP 200 to read the error: they take a 4xx on a
 * POST for a broken transport. A modern client reads 404 for an unknown method, as its revision says.
 */
function statusOf({ code, extra }: Refusal, call: Call | undefined, visit: Refused): number {
  const row = REFUSALS[code]
  const batched = isBatched(visit)
  // Its requests are answered one by one, each with what is wrong with it.
  if (batched && extra.each !== undefined && !('judged' in row)) return 200
  if (code === 'unknown_method' && !isModern(visit)) {
    // A notification has no id to answer, and a 404 would tell a legacy client that its session ended.
    return extra.id === undefined ? REFUSALS.invalid_request.status : 200
  }
  // A 429 makes a client that tries the modern era first take the server for a legacy one.
  const isLimit = code === 'rate_limited' || (code === 'over_budget' && call?.kind !== 'request')
  if (isLimit && triesModern(visit)) return REFUSALS.overloaded.status
  const readable = (batched || call?.kind === 'request') && 'judged' in row
  // So does an error in place of what the server speaks; an HTTP status says that it could not be asked.
  if (!readable || call?.method === 'server/discover') return row.status
  const plain = visit.server?.refusals === 'http' && code !== 'unknown_name'
  return plain ? row.status : 200
}

/** An HTTP+SSE server takes a POST only where it says on its stream. */
function methodsOf(visit: Refused): string {
  if (visit.side !== undefined) return [...visit.side.methods].join(', ')
  if (visit.server?.upstream.transport === 'sse') return 'GET, OPTIONS'
  return isModern(visit) ? 'POST, OPTIONS' : 'POST, GET, DELETE, OPTIONS'
}

/** Under a modern version, or one that is not known yet: a client may begin with what it likes best. */
function triesModern(visit: Refused): boolean {
  const version = visit.head?.protocolVersion
  return version !== undefined && !LEGACY_VERSIONS.includes(version)
}

function isModern(visit: Refused): boolean {
  return MODERN_VERSIONS.includes(visit.head?.protocolVersion ?? '')
}

/** Whether it is an array of messages with requests in it, which are then answered with an array. */
function isBatched({ batch }: Refused): boolean {
  return batch !== undefined && batch.length > 0
}

function bodyFor(refusal: Refusal, id: string | undefined, visit: Refused, desk: Desk): string {
  const { batch = [], journey } = visit
  if (!isBatched(visit)) return errorBody(refusal, id)
  const { each } = refusal.extra
  // One that stood beside a refused one, and may well pass alone.
  const notSent = new Refusal('invalid_request', {
    message: 'Not sent: another message of the batch was refused',
    rpc: 1000,
  })
  const answers = batch.map((own) => {
    const why = each === undefined ? refusal : (each.get(own) ?? notSent)
    const asked = journey.calls.find(({ call }) => call.kind === 'request' && call.id === own)
    return tellLink(why, asked?.call, visit, desk) ?? errorBody(why, own)
  })
  return `[${answers.join(',')}]`
}

function rpcOf({ code, extra }: Refusal): number {
  return extra.rpc ?? REFUSALS[code].rpc
}

/**
 * The JSON-RPC error that tells a refusal.
 *
 * @param id Echoed as its bytes read; an error whose id is unknown has none (MCP 2025-11-25 schema).
 */
export function errorBody(refusal: Refusal, id: string | undefined): string {
  const { message, extra } = refusal
  const data = dataOf(extra.data, extra.retryAfterSeconds)
  const error = JSON.stringify({
    code: rpcOf(refusal),
    message,
    ...(data === undefined ? {} : { data }),
  })
  return `{"jsonrpc":"2.0"${id === undefined ? '' : `,"id":${id}`},"error":${error}}`
}

/**
 * What a 401 says: the token is the matter and no message was read, so nobody may take this for the
 * answer to one. The members are those of OAuth errors (RFC 6750 §3), as MCP servers send them.
 */
function oauthBody({ code, message }: Refusal): string {
  const error = code === 'insufficient_user_authentication' ? code : 'invalid_token'
  return JSON.stringify({ error, error_description: message })
}

function dataOf(
  data: Readonly<Record<string, unknown>> | undefined,
  retryAfterSeconds: number | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (retryAfterSeconds === undefined) return data
  return { ...data, retryAfterSeconds: Math.ceil(retryAfterSeconds) }
}

function challengeFor(
  { code, message, extra }: Refusal,
  visit: Refused,
  desk: Desk,
): string | undefined {
  const { server } = visit
  if (server === undefined) return undefined
  const metadataUrl = desk.metadataUrl(server)
  switch (code) {
    case 'unauthenticated':
      return challenge({ reason: 'no_credential', metadataUrl, scopes: desk.scopesOf(server) })
    case 'invalid_token':
      return challenge({
        reason: 'invalid_token',
        metadataUrl,
        scopes: desk.scopesOf(server),
        description: message,
      })
    case 'bad_proof':
      return challenge({ reason: 'invalid_dpop_proof', metadataUrl, description: message })
    case 'bad_credential':
      return challenge({ reason: 'invalid_request', metadataUrl, description: message })
    case 'insufficient_scope':
      return challenge({
        reason: 'insufficient_scope',
        metadataUrl,
        scopes: extra.scopes ?? [],
        description: message,
      })
    case 'insufficient_user_authentication':
      return challenge({
        reason: 'insufficient_user_authentication',
        metadataUrl,
        // The new token takes the place of this one, and must not fall short of it.
        scopes: [...new Set([...(visit.journey.caller?.scopes ?? []), ...(extra.scopes ?? [])])],
        stepUp: extra.stepUp,
        description: message,
      })
    default:
      return undefined
  }
}
