/** Tells a server that its request to the caller was not delivered, so that it does not wait for one. */
import { REFUSALS } from '../model/refusal.ts'
import { UNREAD } from '../upstream/collect.ts'
import type { Conversations } from '../upstream/conversations.ts'
import { upHeaders } from './up-headers.ts'
import type { Seated } from './visit.ts'

/** A server has this long to take the reply. */
const TIMEOUT_MS = 5_000

/** What the server is told. */
export type Declined = 'policy_denied' | 'rate_limited'

/**
 * POSTs a JSON-RPC error for the server's request in the caller's legacy session. Best effort: what
 * comes of it changes nothing for the caller.
 *
 * @param id The JSON-RPC id as its bytes read.
 */
export async function decline(
  seat: Seated,
  { id, why }: { readonly id: string; readonly why: Declined },
  conversations: Conversations,
): Promise<void> {
  // Before an HTTP+SSE server has said where, there is nowhere to send it.
  if (seat.server.upstream.transport === 'sse' && seat.endpoint === undefined) return
  const exchange = conversations.send(seat.server, {
    method: 'POST',
    ...(seat.endpoint !== undefined && { path: seat.endpoint }),
    headers: upHeaders({
      method: 'POST',
      call: { era: 'legacy', kind: 'response', method: '' },
      head: seat.head,
      traceparent: undefined,
      tracestate: undefined,
      // That of the exchange whose answer held the request.
      credential: seat.injected ?? [],
    }),
    body: Buffer.from(declineText(id, why)),
    collect: UNREAD,
    whenGone: 'abort',
    timeoutMs: TIMEOUT_MS,
  })
  await exchange.answer.catch(() => undefined)
}

/** The error that a server reads in place of an answer of the client. */
export function declineText(id: string, why: Declined): string {
  const { rpc, text } = REFUSALS[why]
  const error = JSON.stringify({ code: rpc, message: text })
  return `{"jsonrpc":"2.0","id":${id},"error":${error}}`
}
