/**
 * How a refused request of an HTTP+SSE session is answered. Its client reads answers on the stream only:
 * it throws the body of a POST away, and an error status ends its session or leaves it waiting. The
 * stream may be held by another process, with which this one shares nothing but keys and the server. So
 * the refusal goes there by way of the server: sealed, as the id of a `ping`, which every server must
 * answer with the same id on the stream; whoever holds the stream opens it and passes the refusal on in
 * place of the answer. The server learns nothing from it and need not know of it.
 */
import type { Caller } from '../model/caller.ts'
import type { Refusal, RefusalCode } from '../model/refusal.ts'
import { REFUSALS } from '../model/refusal.ts'
import { MAX_HANDLE_CHARS } from '../seal/seal.ts'
import { UNREAD } from '../upstream/collect.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import { boundTo } from './endpoint.ts'
import { noteRefusal, refuse } from './refuse.ts'
import { credentialHeaders } from './swap.ts'
import { upHeaders } from './up-headers.ts'
import type { Outgoing, Seated, Visit } from './visit.ts'

/** A server has this long to take the ping; its caller waits for it. */
const TIMEOUT_MS = 5_000

/** Marks the ids of our pings. */
const MARK = 'gatehouse-refusal:'

/** A server's answer to a ping of ours, which may add members of its own, is no longer than this. */
const MAX_ANSWER_CHARS = MAX_HANDLE_CHARS + 1_024

const ANSWER = new RegExp(`"id"\\s*:\\s*"${MARK}([A-Za-z0-9_-]+)"`)

/** The server itself is the matter: it is not asked to carry the news. */
const UNTOLD: ReadonlySet<RefusalCode> = new Set([
  'upstream_unavailable',
  'upstream_timeout',
  'credential_missing',
])

/**
 * Answers a visit that ended in what was thrown, which is written into its journey. At once where no
 * server has to be asked: whoever looks after the connection must see it closed before it reads on.
 */
export function answerRefusal(error: unknown, visit: Visit, desk: Desk): Promise<void> {
  const refusal = noteRefusal(error, visit)
  const outgoing = refuse(refusal, visit, desk)
  if (visit.endpoint === undefined) return visit.reply(outgoing)
  return tellOnStream(refusal, outgoing, visit, desk).then((told) => visit.reply(told))
}

/**
 * The answer to a refused visit: `outgoing` as it is unless it answers a request of an HTTP+SSE session
 * that could be read. Then it is told on the stream and the POST accepted; where that cannot be, it stays
 * the answer to the POST, with its HTTP status. Never rejects.
 */
export async function tellOnStream(
  { code }: Refusal,
  outgoing: Outgoing,
  visit: Visit,
  desk: Pick<Desk, 'conversations' | 'seals' | 'routes'>,
): Promise<Outgoing> {
  const { server, head, endpoint } = visit
  const { caller } = visit.journey
  // What every other transport answers with 200 is an error its client can read.
  if (endpoint === undefined || outgoing.status !== 200 || outgoing.body.kind !== 'whole')
    return outgoing
  if (server === undefined || head === undefined || caller === undefined) return outgoing
  const plain = { ...outgoing, status: REFUSALS[code].status }
  if (UNTOLD.has(code) || visit.gone) return plain
  const id = desk.seals.seal('refusal', boundTo(caller, server), String(outgoing.body.bytes))
  if (id.length > MAX_HANDLE_CHARS) return plain
  if (!(await ping(Object.assign(visit, { server, head }), endpoint, id, desk))) return plain
  const headers = ['cache-control', 'no-store', ...corsHeaders(visit, desk.routes)]
  return { status: 202, headers, body: { kind: 'whole', bytes: undefined } }
}

/** Whether the server took it. */
async function ping(
  { server, head }: Seated,
  path: string,
  handle: string,
  { conversations }: Pick<Desk, 'conversations'>,
): Promise<boolean> {
  const exchange = conversations.send(server, {
    method: 'POST',
    path,
    headers: upHeaders({
      method: 'POST',
      call: { era: 'legacy', kind: 'request', method: 'ping' },
      head,
      traceparent: undefined,
      tracestate: undefined,
      credential: credentialHeaders(server),
    }),
    body: Buffer.from(`{"jsonrpc":"2.0","id":"${MARK}${handle}","method":"ping"}`),
    collect: UNREAD,
    whenGone: 'abort',
    timeoutMs: TIMEOUT_MS,
  })
  const answer = await exchange.answer.catch(() => undefined)
  return answer !== undefined && answer.status >= 200 && answer.status < 300
}

/**
 * The refusal that an event's data carries, as the client must read it; undefined when it carries none.
 * That the handle opens is proof that this caller was refused so: where in the data it stands is no matter.
 */
export function readTold(
  data: string,
  { caller, server }: { readonly caller: Caller; readonly server: Seated['server'] },
  { seals }: Pick<Desk, 'seals'>,
): string | undefined {
  if (data.length > MAX_ANSWER_CHARS || !data.includes(MARK)) return undefined
  const handle = ANSWER.exec(data)?.[1]
  return handle === undefined ? undefined : seals.open('refusal', boundTo(caller, server), handle)
}
