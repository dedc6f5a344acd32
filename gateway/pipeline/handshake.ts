/**
 * Steps 1 to 6 for a WebSocket: the request to upgrade is admitted, routed, authenticated and judged as
 * the opening of a stream is, before anything is opened.
 */
import { SUBPROTOCOL } from '../mcp/subprotocol.ts'
import { Refusal } from '../model/refusal.ts'
import type { Permit } from '../model/permit.ts'
import type { Head } from './admit.ts'
import { admit } from './admit.ts'
import type { Desk } from './desk.ts'
import { judge } from './judge.ts'
import { occupy } from './occupy.ts'
import { findServer, findSite } from './route.ts'
import type { Presentation } from './tickets.ts'
import { TICKET_PROTOCOL } from './tickets.ts'
import type { Seated, Visit } from './visit.ts'

/** Subprotocols a client may offer: `mcp`, a ticket, and a few that are none of ours. */
const MAX_PROTOCOLS = 8

/** What the headers of a handshake say beyond those of any visit. */
export type Offer = {
  /** The ticket among the subprotocols. */
  readonly ticket: string | undefined
}

export type Welcome = { readonly permit: Permit; readonly seat: Seated }

/**
 * The permit to be connected, and the visit with its server.
 *
 * @throws {Refusal} (rejects with) whatever is wrong with the handshake or the caller.
 */
export async function welcome(visit: Visit, desk: Desk): Promise<Welcome> {
  const { journey } = visit
  const head = admit(visit)
  visit.head = head
  const site = findSite(head, desk.routes)
  const server = findServer(site, visit.target)
  journey.server = server.name
  journey.trace = desk.parseTrace(head.traceparent, head.tracestate)
  desk.startTrace(journey)
  const seat: Seated = Object.assign(visit, { head, server })
  if (server.upstream.transport !== 'websocket') throw new Refusal('not_found')
  const offer = readOffer(visit.rawHeaders)
  const presented = await presentedBy(head, offer, desk, server.resource)
  const { httpMethod, target } = visit
  const { address, certificate } = journey
  const from = { address, certificate, httpMethod, target }
  journey.caller = await desk.identify({ ...presented, ...from }, server)
  occupy(seat, journey.caller, desk)
  const opening = { seat, direction: 'up', content: { kind: 'open_stream' } } as const
  const permit = await judge(opening, journey.caller, desk)
  return { permit, seat }
}

/**
 * Reads what a handshake offers (RFC 6455 §4.2.1).
 *
 * @param rawHeaders Flat name, value, name, value.
 * @throws {Refusal} `bad_header` for another version, for headers sent twice, a body, too many
 *   subprotocols, `mcp` not among them, or more than one ticket.
 */
export function readOffer(rawHeaders: readonly string[]): Offer {
  const found = new Map<string, string[]>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    found.set(name, [...(found.get(name) ?? []), rawHeaders[at + 1] ?? ''])
  }
  const keys = found.get('sec-websocket-key') ?? []
  const versions = found.get('sec-websocket-version') ?? []
  if (keys.length !== 1 || versions.length !== 1 || versions[0] !== '13') {
    throw bad('A WebSocket handshake of version 13 is required')
  }
  // A GET with a body could be framed otherwise by the next reader.
  if (found.has('transfer-encoding') || (found.get('content-length') ?? ['0']).join() !== '0') {
    throw bad('A handshake has no body')
  }
  const protocols = (found.get('sec-websocket-protocol') ?? [])
    .flatMap((line) => line.split(','))
    .map((name) => name.trim())
  if (protocols.length > MAX_PROTOCOLS) throw bad('Too many subprotocols')
  if (!protocols.includes(SUBPROTOCOL)) throw bad('Sec-WebSocket-Protocol must offer mcp')
  const tickets = protocols.filter((name) => name.startsWith(TICKET_PROTOCOL))
  if (tickets.length > 1) throw bad('More than one ticket')
  return { ticket: tickets[0]?.slice(TICKET_PROTOCOL.length) }
}

/** One credential: the headers, or the ticket that stands for them. */
async function presentedBy(
  head: Head,
  { ticket }: Offer,
  desk: Pick<Desk, 'tickets'>,
  resource: string,
): Promise<Presentation & { readonly dpop?: string | undefined }> {
  const { authorization, apiKey, dpop, origin } = head
  if (ticket === undefined) return { authorization, apiKey, dpop }
  if (authorization !== undefined || apiKey !== undefined) {
    throw new Refusal('bad_credential', { detail: 'a ticket and another credential' })
  }
  return await desk.tickets.redeem(ticket, { resource, origin })
}

function bad(message: string): Refusal {
  return new Refusal('bad_header', { message, detail: message })
}
