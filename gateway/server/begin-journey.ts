/** What is known of a request when it has just arrived: who sent it, and when. */
import type { Journey } from '../model/journey.ts'
import type { Desk } from '../pipeline/desk.ts'
import type { ExchangeRequest } from './exchange.ts'
import { newJourney } from './new-journey.ts'
import type { Plant } from './plant.ts'

/** The record of a visit that begins with this request, under the configuration of this desk. */
export function beginJourney(
  request: Pick<ExchangeRequest, 'method' | 'headers' | 'socket'>,
  desk: Desk,
  plant: Plant,
): Journey {
  return newJourney({
    id: plant.newId(),
    nowMs: plant.now(),
    tick: plant.tick(),
    httpMethod: request.method ?? '',
    config: desk.version,
    address: addressOf(request, desk),
    certificate: plant.certificateOf?.(request.socket),
  })
}

/** Who sent a request: its peer, unless that is a trusted proxy that says otherwise. */
export function addressOf(
  { headers, socket }: Pick<ExchangeRequest, 'headers' | 'socket'>,
  desk: Desk,
): string {
  const forwardedFor = headers['x-forwarded-for']
  return desk.addressOf(
    socket.remoteAddress ?? '',
    typeof forwardedFor === 'string' ? forwardedFor : undefined,
  )
}
