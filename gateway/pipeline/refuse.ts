/** Turns a refusal into an answer. `docs/errors.md` lists them all. */
import type { Call } from '../model/call.ts'
import type { Journey } from '../model/journey.ts'
import type { RefusalCode } from '../model/refusal.ts'
import { Refusal } from '../model/refusal.ts'
import { challengeFor } from './challenge-for.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import { errorBody, oauthBody, rpcOf } from './error-body.ts'
import { linkAnswer } from './link-answer.ts'
import { isBatched, methodsOf, statusOf } from './refusal-status.ts'
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

/** The whole answer over HTTP; what it says is written into the journey. */
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
