import { beginJourney } from './begin-journey.ts'
import type { ExchangeRequest, ExchangeResponse } from './exchange.ts'
import type { Generation } from './generation.ts'
import { HttpVisit } from './http-visit.ts'
import type { Plant } from './plant.ts'

/** A request that has just arrived, and where its answer goes. */
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
  return new HttpVisit({
    request,
    response,
    journey: beginJourney(request, desk, plant),
    answering,
    expectsContinue: expects === 'expects_continue',
    onGone: conversations.gone,
  })
}
