/** Whoever has a way open on which a server, or the gateway, can tell what its client did not ask for. */
import type { ListName } from '../mcp/message.ts'
import type { Caller } from '../model/caller.ts'
import { hearsCompletion } from '../pipeline/link-answer.ts'
import type { HttpVisit } from './http-visit.ts'

export type Hearer = {
  readonly caller: Caller
  readonly server: string
  readonly address: string
  /** Does nothing when it is not listened for this list. */
  tell(list: ListName): void
  /** Tells that a person is done with what an elicitation sent them to; undefined where nobody would know it. */
  readonly complete?: ((elicitationId: string) => void) | undefined
}

/**
 * The streams that only listen: a GET of the legacy revisions, and a subscription to changes of lists, for
 * those that its server has acknowledged (MCP 2026-07-28, "Subscriptions").
 */
export function* hearersAmong(visits: Iterable<HttpVisit>): Generator<Hearer> {
  for (const visit of visits) {
    const { caller, server, address, calls } = visit.journey
    const call = calls[0]?.call
    if (caller === undefined || server === undefined || call === undefined) continue
    if (call.kind === 'open_stream' && call.era === 'legacy') {
      const say = (message: string): void => visit.announce(eventOf(message))
      const knows = hearsCompletion(visit.session?.version, visit.session?.declared)
      const complete = knows ? (id: string): void => say(completionOf(id)) : undefined
      yield { caller, server, address, tell: (list) => say(changeOf(list)), complete }
    } else if (visit.hears !== undefined && call.id !== undefined) {
      const { hears } = visit
      const { id } = call
      const tell = (list: ListName): void => {
        if (hears.includes(list)) visit.announce(eventOf(changeOf(list, id)))
      }
      yield { caller, server, address, tell }
    }
  }
}

/**
 * The notification that a list has changed.
 *
 * @param subscription The id of the request that subscribed to it, as its bytes read.
 */
export function changeOf(list: ListName, subscription?: string): string {
  const meta = `{"io.modelcontextprotocol/subscriptionId":${subscription}}`
  const params = subscription === undefined ? '' : `,"params":{"_meta":${meta}}`
  return `{"jsonrpc":"2.0","method":"notifications/${list}/list_changed"${params}}`
}

/** The notification that a person is done with what an elicitation sent them to (MCP 2025-11-25). */
export function completionOf(elicitationId: string): string {
  const params = JSON.stringify({ elicitationId })
  return `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":${params}}`
}

function eventOf(message: string): string {
  return `data: ${message}\n\n`
}
