/** Tells a server that its request to the caller was not delivered, so that it does not wait for one. */
import { REFUSALS } from '../model/refusal.ts'
import { UNREAD } from '../upstream/collect.ts'
import type { Conversations } from '../upstream/conversations.ts'
import { upHeaders } from './up-headers.ts'
import type { Seated } from './visit.ts'

/** A server has this long to take the reply. */
const TIMEOUT_MS = 5_000

/**
 * POSTs a JSON-RPC error for the server's request in the caller's legacy session. Best effort: what
 * comes of it changes nothing for the caller.
 *
 * @param id The JSON-RPC id as its bytes read.
 */
export async function decline(
  seat: Seated,
  id: string,
  conversations: Conversations,
): Promise<void> {
  // Before an HTTP+SSE server has said where, there is nowhere to send it.
  if (seat.server.upstream.transport === 'sse' && seat.endpoint === undefined) return
  const { rpc, text } = REFUSALS.policy_denied
  const error = JSON.stringify({ code: rpc, message: text })
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
    body: Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${error}}`),
    collect: UNREAD,
    whenGone: 'abort',
    timeoutMs: TIMEOUT_MS,
  })
  await exchange.answer.catch(() => undefined)
}
