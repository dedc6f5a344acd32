/**
 * How a WebSocket outlives its token: its client asks for a ticket with a fresh one, as for a handshake, and
 * shows it on the connection. The request is the gateway's own and never goes to the server; that it comes
 * on the connection binds the ticket to it.
 */
import { scan } from '../mcp/scan.ts'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Desk } from './desk.ts'
import { ownerOf } from './handles.ts'
import { errorBody } from './error-body.ts'

/** The method of the request; no method of MCP begins like this. */
export const RENEW = 'gatehouse/renew'

export type Renewal = {
  /** The JSON-RPC id as its bytes read. */
  readonly id: string
  readonly ticket: string
}

/** The renewal that a message of a client asks for; undefined when it is anything else. */
export function renewalIn(bytes: Buffer): Renewal | undefined {
  // Every message of the connection comes by here.
  if (!bytes.includes(RENEW)) return undefined
  const scanned = scan(bytes)
  if (!scanned.ok || scanned.batch) return undefined
  const [message] = scanned.messages
  if (message?.kind !== 'request' || message.method !== RENEW) return undefined
  const { params }: { readonly params?: { readonly ticket?: unknown } } = JSON.parse(
    bytes.toString('utf8'),
  )
  const ticket = typeof params?.ticket === 'string' ? params.ticket : ''
  return { id: message.id?.text ?? 'null', ticket }
}

/** A connection as far as its caller may be renewed. */
export type Renewable = {
  readonly caller: Caller
  readonly server: McpServer
  readonly address: string
  /** Thumbprint of the certificate that was shown on it. */
  readonly certificate?: string | undefined
  readonly target: string
  /** That of the handshake. */
  readonly origin: string | undefined
}

/**
 * The same caller with the fresh credential that a ticket stands for.
 *
 * Rejects with `invalid_token` for a ticket that does not count or is somebody else's, and with whatever
 * is wrong with its credential.
 */
export async function renew(
  ticket: string,
  { caller, server, address, certificate, target, origin }: Renewable,
  { tickets, identify }: Pick<Desk, 'tickets' | 'identify'>,
): Promise<Caller> {
  const presented = await tickets.redeem(ticket, { resource: server.resource, origin })
  const from = { address, certificate, httpMethod: 'GET', target }
  const fresh = await identify({ ...presented, ...from }, server)
  const [own, other] = [ownerOf(caller, server), ownerOf(fresh, server)]
  if (!own.every((part, at) => part === other[at])) {
    const detail = 'a ticket of another caller'
    throw new Refusal('invalid_token', { message: 'The ticket is not valid here', detail })
  }
  return fresh
}

/** The answer to a renewal. @param error What it was refused with; undefined when it was not. */
export function renewalAnswer({ id }: Renewal, error?: unknown): string {
  if (error === undefined) return `{"jsonrpc":"2.0","id":${id},"result":{}}`
  return errorBody(error instanceof Refusal ? error : new Refusal('internal'), id)
}
