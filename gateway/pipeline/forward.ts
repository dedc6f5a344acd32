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
import { swap } from './swap.ts'
import { upHeaders } from './up-headers.ts'
import type { Seated } from './visit.ts'

/** Needs a permit: nothing can be forwarded that was not judged. */
export async function forward(
  permit: Permit,
  visit: Seated,
  body: Uint8Array | undefined,
  desk: Desk,
): Promise<Answer> {
  const { journey } = visit
  const from = desk.tick()
  const exchange = ask(permit, visit, body, desk)
  journey.attempts += 1
  visit.exchange = exchange
  if (visit.gone) desk.conversations.gone(exchange)
  try {
    const answer = await exchange.answer
    journey.upstreamStatus = answer.status
    return permit.call.method === 'initialize' ? await hearOut(answer, permit.call) : answer
  } finally {
    journey.spentMs.upstream = desk.tick() - from - journey.spentMs.swap
  }
}

function ask(
  permit: Permit,
  visit: Seated,
  body: Uint8Array | undefined,
  desk: Desk,
): Exchange | SideExchange {
  const { journey, head, side } = visit
  const { server, call } = permit
  if (side !== undefined) {
    return desk.sides.send(server, askSide(permit, { route: side, seat: visit, body }, desk))
  }
  if (body !== undefined) checkParams(permit, head, body, desk)
  const from = desk.tick()
  const method = methodOf(permit)
  const headers = upHeaders({
    method,
    call,
    head,
    traceparent: desk.formatTrace(journey),
    tracestate: journey.trace?.state,
    credential: swap(permit),
  })
  journey.spentMs.swap = desk.tick() - from
  return desk.conversations.send(server, {
    method,
    ...(visit.endpoint !== undefined && { path: visit.endpoint }),
    headers,
    body: body === undefined ? undefined : bodyUp(body, permit, visit, desk),
    collect: collectFor(permit),
    whenGone: call.era === 'modern' || method === 'GET' ? 'abort' : 'drain',
  })
}

/** Whether the answer may hold names that must be filtered or replaced, so that it is needed whole. */
export function isFiltered(method: string): boolean {
  return method.endsWith('/list') || method === 'resources/read' || method.startsWith('tasks/')
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
