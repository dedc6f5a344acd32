import type { Generation } from './generation.ts'
import type { ExchangeRequest, ExchangeResponse } from './exchange.ts'
import { HttpVisit } from './http-visit.ts'
import { newJourney } from './new-journey.ts'
import type { Plant } from './plant.ts'

export type Arrival = {
  readonly request: ExchangeRequest
  readonly response: ExchangeResponse
  readonly expects: 'expects_continue' | 'sends_at_once'
}

/** A visit for a request that has just arrived, under the configuration that serves it to its end. */
export function openVisit(
  { request, response, expects }: Arrival,
  { desk, conversations }: Generation,
  { plant, answering }: { readonly plant: Plant; readonly answering: Set<HttpVisit> },
): HttpVisit {
  const journey = newJourney({
    id: plant.newId(),
    nowMs: plant.now(),
    tick: plant.tick(),
    httpMethod: request.method ?? '',
    config: desk.version,
    address: addressOf(request, { desk }),
    certificate: plant.certificateOf?.(request.socket),
  })
  return new HttpVisit({
    request,
    response,
    journey,
    answering,
    expectsContinue: expects === 'expects_continue',
    onGone: conversations.gone,
  })
}

/** Who sent a request: its peer, unless that is a trusted proxy that says otherwise. */
export function addressOf(
  request: Pick<ExchangeRequest, 'headers' | 'socket'>,
  { desk }: Pick<Generation, 'desk'>,
): string {
  const forwardedFor = request.headers['x-forwarded-for']
  return desk.addressOf(
    request.socket.remoteAddress ?? '',
    typeof forwardedFor === 'string' ? forwardedFor : undefined,
  )
}
