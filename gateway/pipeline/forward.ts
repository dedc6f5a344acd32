/** Step 8: the original bytes with fresh headers and the server's own credential, to the server. */
import type { Permit } from '../model/permit.ts'
import type { Answer } from '../upstream/answer.ts'
import type { Collect } from '../upstream/collect.ts'
import { COALESCED, WHOLE_LIST } from '../upstream/collect.ts'
import type { Exchange } from '../upstream/exchange.ts'
import type { SideExchange } from '../upstream/side-exchange.ts'
import { askSide } from './ask-side.ts'
import { bodyUp } from './body-up.ts'
import { checkParams } from './check-params.ts'
import type { Desk } from './desk.ts'
import { hearOut } from './negotiation.ts'
import { askForMore, swap, swapAgain } from './swap.ts'
import { upHeaders } from './up-headers.ts'
import type { Seated } from './visit.ts'

/** Needs a permit: nothing can be forwarded that was not judged. */
export async function forward(
  permit: Permit,
  visit: Seated,
  body: Uint8Array | undefined,
  desk: Desk,
): Promise<Answer> {
  const isCall = visit.side === undefined
  if (isCall && body !== undefined) checkParams(permit, visit.head, body, desk)
  const from = desk.tick()
  const { journey } = visit
  const found = swap(permit, visit, desk)
  visit.injected = found instanceof Promise ? await found : found
  const sent = isCall && body !== undefined ? bodyUp(body, permit, visit, desk) : body
  journey.spentMs.swap = desk.tick() - from
  try {
    let answer = await send(permit, visit, sent, desk).answer
    journey.upstreamStatus = answer.status
    if (answer.status === 401 && (await renew(answer, permit, visit, desk))) {
      answer = await send(permit, visit, sent, desk).answer
      journey.upstreamStatus = answer.status
    }
    if (answer.status === 403) stepUp(answer, permit, visit, desk)
    return permit.call.method === 'initialize' ? await hearOut(answer, permit.call) : answer
  } finally {
    journey.spentMs.upstream = desk.tick() - from - journey.spentMs.swap
  }
}

type Sent = Exchange | SideExchange

/** A server that wants more scopes has not done what it was asked either: the caller is told what it lacks. */
function stepUp({ body, challenge }: Answer, permit: Permit, seat: Seated, desk: Desk): void {
  try {
    askForMore(challenge, { permit, seat }, desk)
  } catch (error) {
    if (body.kind === 'stream') body.source.abort(error)
    throw error
  }
}

/** Sends it with the credential that the visit holds. */
function send(permit: Permit, visit: Seated, body: Uint8Array | undefined, desk: Desk): Sent {
  const { journey, side } = visit
  const exchange =
    side === undefined
      ? sendCall(permit, visit, body, desk)
      : desk.sides.send(permit.server, askSide({ route: side, seat: visit, body }, desk))
  journey.attempts += 1
  visit.exchange = exchange
  if (visit.gone) desk.conversations.gone(exchange)
  return exchange
}

function sendCall(
  permit: Permit,
  visit: Seated,
  body: Uint8Array | undefined,
  desk: Desk,
): Exchange {
  const { journey, head } = visit
  const method = methodOf(permit)
  const headers = upHeaders({
    method,
    call: permit.call,
    head,
    traceparent: desk.formatTrace(journey),
    tracestate: journey.trace?.state,
    credential: visit.injected ?? [],
  })
  return desk.conversations.send(permit.server, {
    method,
    ...(visit.endpoint !== undefined && { path: visit.endpoint }),
    headers,
    body,
    collect: collectFor(permit),
    whenGone: permit.call.era === 'modern' || method === 'GET' ? 'abort' : 'drain',
  })
}

/**
 * Whether there is another credential to ask with. A server that answers 401 has not done what it was
 * asked, so it may be asked once more, under the same permit; what comes of that is the answer.
 */
async function renew(refused: Answer, permit: Permit, visit: Seated, desk: Desk): Promise<boolean> {
  const injected = await swapAgain(permit, visit, desk)
  if (injected === undefined || visit.gone) return false
  if (refused.body.kind === 'stream') refused.body.source.abort(new Error('asked again'))
  visit.injected = injected
  return true
}

/** Whether the answer may hold names that must be filtered or replaced, so that it is needed whole. */
export function isFiltered(method: string): boolean {
  if (method.endsWith('/list') || method.startsWith('tasks/')) return true
  return method === 'resources/read' || method === 'server/discover'
}

function collectFor(permit: Permit): Collect {
  const { method } = permit.call
  if (permit.elements !== undefined) return WHOLE_LIST
  return isFiltered(method) ? WHOLE_LIST : COALESCED
}

function methodOf(permit: Permit): 'POST' | 'GET' | 'DELETE' {
  switch (permit.call.kind) {
    case 'open_stream':
      return 'GET'
    case 'end_session':
      return 'DELETE'
    case 'request':
    case 'notification':
    case 'response':
    case 'route':
      return 'POST'
  }
}
