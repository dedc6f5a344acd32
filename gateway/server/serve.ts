/** From a request of a caller to the door that takes it: the pipeline, or our own authorization server. */
import { isOauthTarget } from '../issuer/routes.ts'
import { addressOf } from './begin-journey.ts'
import { receive, turnAway } from './doors.ts'
import type { House } from './house.ts'
import type { OnRequest } from './listen.ts'
import type { Arrival } from './open-visit.ts'
import { openVisit } from './open-visit.ts'

/** What takes each request; one more look at its target where the authorization server is configured. */
export function requestHandler(house: House): OnRequest {
  const { issuer } = house
  const toPipeline: OnRequest = (request, response, expects) =>
    serve({ request, response, expects }, house)
  if (issuer === undefined) return toPipeline
  return (request, response, expects) => {
    const { sheds } = house.plant.load.pressure
    if (!isOauthTarget(request.url ?? '') || sheds === 'everything')
      return toPipeline(request, response, expects)
    if (house.draining) response.shouldKeepAlive = false
    if (expects === 'expects_continue') response.writeContinue()
    house.unread.watch(request.socket)
    void issuer.handle(request, response, addressOf(request, house.current.desk))
  }
}

/** Opens a visit for a request and hands it on; what becomes of it is in its record. */
export function serve(arrival: Arrival, house: House): void {
  const generation = house.current
  generation.enter()
  if (house.draining) arrival.response.shouldKeepAlive = false
  const visit = openVisit(arrival, generation, house)
  const isShed = house.plant.load.pressure.sheds === 'everything'
  const served = isShed ? turnAway(visit, generation) : receive(visit, generation)
  served.then(generation.leave, (error: unknown) => {
    generation.leave()
    visit.drop()
    house.log('error', 'a visit failed', { detail: String(error) })
  })
}
