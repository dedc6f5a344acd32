/**
 * One-time tickets for WebSocket handshakes from browsers, which can send no Authorization header there.
 * A page gets one with its token and offers it as a subprotocol: never in a URL, which would be logged.
 * A ticket holds the credential itself, sealed, so that a handshake is identified as any visit is.
 */
import { Refusal } from '../model/refusal.ts'
import type { Store } from '../model/store.ts'
import type { Seals } from '../seal/seal.ts'
import { MAX_HANDLE_CHARS } from '../seal/seal.ts'

/** A page opens its WebSocket at once; in milliseconds. */
export const TICKET_MS = 30_000

/** The subprotocol that carries a ticket is this and the ticket. */
export const TICKET_PROTOCOL = 'mcp.ticket.'

/** Where tickets for a server are given out: its public path and this. */
export const TICKET_SUFFIX = '/ws-ticket'

/** The headers a credential came in, as received. */
export type Presentation = {
  readonly authorization: string | undefined
  readonly apiKey: string | undefined
}

/** Where a ticket counts: on one server, for pages of one origin. */
export type TicketPlace = { readonly resource: string; readonly origin: string | undefined }

export type Tickets = {
  /** @throws {Refusal} `head_too_large` when the credential is too long to travel in a ticket. */
  issue(presented: Presentation, place: TicketPlace): string
  /**
   * What was presented for this ticket, once.
   *
   * Rejects with `invalid_token` for a ticket that is not ours, is for another place, has ended or was
   * used before, with `keys_unavailable` when the store does not say which.
   */
  redeem(ticket: string, place: TicketPlace): Promise<Presentation>
}

/** What is sealed; short names, since it travels in a header. */
type Content = {
  readonly i: string
  /** Epoch milliseconds. */
  readonly e: number
  readonly a?: string
  readonly k?: string
}

/** @param now Epoch milliseconds. */
export function createTickets(options: {
  readonly seals: Seals
  readonly store: Pick<Store, 'cas'>
  readonly now: () => number
}): Tickets {
  const { seals, store, now } = options
  return {
    issue({ authorization, apiKey }, place) {
      const content: Content = {
        i: crypto.randomUUID(),
        e: now() + TICKET_MS,
        ...(authorization === undefined ? {} : { a: authorization }),
        ...(apiKey === undefined ? {} : { k: apiKey }),
      }
      const ticket = seals.seal('ticket', boundTo(place), JSON.stringify(content))
      if (ticket.length > MAX_HANDLE_CHARS) {
        throw new Refusal('head_too_large', { message: 'The credential is too long for a ticket' })
      }
      return ticket
    },
    async redeem(ticket, place) {
      const text = seals.open('ticket', boundTo(place), ticket)
      if (text === undefined) throw refused('a ticket that is not ours or for another place')
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `issue` seals for this purpose
      const content = JSON.parse(text) as Content
      const leftMs = content.e - now()
      if (leftMs <= 0) throw refused('a ticket that has ended')
      // Whoever writes the row first has it; it may be forgotten when the ticket has ended anyway.
      const first = await store
        .cas(`ws-ticket/${content.i}`, 0, '1', { ttlMs: TICKET_MS })
        .catch((cause: unknown) => {
          // Nobody can say whether it was used: it does not count, and may be shown again.
          throw new Refusal('keys_unavailable', { detail: 'the state store', cause })
        })
      if (!first) throw refused('a ticket that was used before')
      return { authorization: content.a, apiKey: content.k }
    },
  }
}

function boundTo({ resource, origin }: TicketPlace): readonly string[] {
  return [resource, origin ?? '']
}

function refused(detail: string): Refusal {
  return new Refusal('invalid_token', { message: 'The ticket is not valid here', detail })
}
