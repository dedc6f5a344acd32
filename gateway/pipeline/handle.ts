/**
 * The path of a request, top to bottom. Each step takes what earlier steps returned, so their order
 * is forced by the types; any step may throw one `Refusal`, which `refuse` turns into an answer.
 */
import type { Caller } from '../model/caller.ts'
import type { Stage } from '../model/journey.ts'
import type { Head } from './admit.ts'
import { admit } from './admit.ts'
import type { Desk } from './desk.ts'
import { openEndpoint } from './endpoint.ts'
import { filter } from './filter.ts'
import { forward } from './forward.ts'
import { frameOf } from './frame.ts'
import { openHandles } from './handles.ts'
import { judge } from './judge.ts'
import { checkMediaType } from './media-type.ts'
import { occupy } from './occupy.ts'
import { findServer, findSide, findSite } from './route.ts'
import { hasBody } from './side-frame.ts'
import { answerRefusal } from './tell-on-stream.ts'
import type { Seated, Visit } from './visit.ts'

/** Serves one visit to its end. Never rejects: whatever goes wrong is a refusal, and is recorded. */
export async function handle(visit: Visit, desk: Desk): Promise<void> {
  const { journey } = visit
  let since = journey.startedTick
  const lap = (stage: Stage): void => {
    const now = desk.tick()
    journey.spentMs[stage] += now - since
    since = now
  }
  try {
    const head = admit(visit) // 1 route
    const seat = route(visit, head, desk)
    lap('route')
    const caller = await authenticate(seat, desk) // 2
    openEndpoint(seat, caller, desk)
    occupy(seat, caller, desk) // 3 limit
    openHandles(seat, caller, desk)
    lap('authenticate')
    const body = hasBody(seat) ? await seat.body(seat.server.maxBodyBytes) : undefined
    since = desk.tick()
    const permit = await judge(frameOf(seat, body), caller, desk) // 4 parse, 5 authorize, 6 record
    lap('judge')
    const answer = await forward(permit, seat, body, desk) // 7 swap, 8 forward
    const shown = filter({ permit, answer, seat }, desk) // 9
    await visit.reply(shown instanceof Promise ? await shown : shown)
  } catch (error) {
    await answerRefusal(error, visit, desk)
  } finally {
    desk.finish(visit)
  }
}

function route(visit: Visit, head: Head, desk: Desk): Seated {
  const { journey } = visit
  const site = findSite(head, desk.routes)
  const side = findSide(site, visit.target)
  const server = side?.server ?? findServer(site, visit.target)
  journey.server = server.name
  journey.trace = desk.parseTrace(head.traceparent, head.tracestate)
  desk.startTrace(journey)
  if (visit.httpMethod === 'POST' && side === undefined) checkMediaType(head)
  return Object.assign(visit, { head, server, side: side?.route })
}

async function authenticate(seat: Seated, desk: Desk): Promise<Caller> {
  const { head, journey, server, httpMethod, target } = seat
  const { authorization, apiKey, dpop } = head
  const { address, certificate } = journey
  const presented = { authorization, apiKey, dpop, address, certificate, httpMethod, target }
  journey.caller = await desk.identify(presented, server)
  return journey.caller
}
