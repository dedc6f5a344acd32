/** `POST <public path>/ws-ticket`: a one-time ticket for a WebSocket handshake on that server. */
import { SUBPROTOCOL } from '../mcp/subprotocol.ts'
import { Refusal } from '../model/refusal.ts'
import { admit } from './admit.ts'
import { corsHeaders } from './cors.ts'
import type { Desk } from './desk.ts'
import { noteRefusal, refuse } from './refuse.ts'
import { findServer, findSite } from './route.ts'
import { TICKET_MS, TICKET_PROTOCOL, TICKET_SUFFIX } from './tickets.ts'
import type { Outgoing, Visit } from './visit.ts'

/** The server's target when this is where its tickets are given out; else the target itself. */
export function withoutTicketSuffix(target: string): string {
  return target.endsWith(TICKET_SUFFIX) ? target.slice(0, -TICKET_SUFFIX.length) : target
}

/** Serves one such visit to its end. Never rejects. */
export async function issueTicket(visit: Visit, desk: Desk): Promise<void> {
  try {
    await visit.reply(await issue(visit, desk))
  } catch (error) {
    await visit.reply(refuse(noteRefusal(error, visit), visit, desk))
  } finally {
    desk.finish(visit)
  }
}

async function issue(visit: Visit, desk: Desk): Promise<Outgoing> {
  const { journey } = visit
  const head = admit(visit)
  visit.head = head
  const server = findServer(findSite(head, desk.routes), withoutTicketSuffix(visit.target))
  journey.server = server.name
  visit.server = server
  if (server.upstream.transport !== 'websocket') throw new Refusal('not_found')
  if (visit.httpMethod !== 'POST') throw new Refusal('method_not_allowed')
  const { authorization, apiKey, origin } = head
  // Nobody needs a ticket to come without a credential.
  if (authorization === undefined && apiKey === undefined) throw new Refusal('unauthenticated')
  const presented = { authorization, apiKey }
  const { httpMethod, target } = visit
  const from = { address: journey.address, httpMethod, target }
  journey.caller = await desk.identify({ ...presented, ...from }, server)
  const ticket = desk.tickets.issue(presented, { resource: server.resource, origin })
  const protocols = [SUBPROTOCOL, TICKET_PROTOCOL + ticket]
  const bytes = JSON.stringify({ ticket, protocols, expires_in: TICKET_MS / 1_000 })
  const headers = ['content-type', 'application/json', 'cache-control', 'no-store']
  headers.push(...corsHeaders(visit, desk.routes))
  return { status: 200, headers, body: { kind: 'whole', bytes } }
}
