/** What a client may have, by who it is: decided by operators, never by what it says of itself. */
import type { Clients } from '../registry/clients.ts'
import { entitlementAt, isServedDocument } from './client-document.ts'
import type { Entitlement } from '../model/authorization-rules.ts'
import type { ProtectedServer, Setup } from './setup.ts'
import { SELF_REGISTERED } from './setup.ts'

/**
 * The scope of a server that has none of its own: a token must have one (RFC 6749 §3.3), and this says
 * no more than that it is for this server.
 */
export const BASE_SCOPE = 'mcp'

/** Scopes of OpenID Connect, which say nothing of a server. */
export const OWN_SCOPES: readonly string[] = ['openid', 'offline_access']

/** How sure we are who a client is. */
export type Standing =
  | 'configured'
  | 'registered_with_token'
  | 'vouched_for'
  | 'described'
  | 'self_registered'

export type Known = { readonly standing: Standing; readonly entitlement: Entitlement }

/** Undefined for a client that is not known, or came with a registration token or from somebody that is no more. */
export async function standingOf(
  id: string,
  setup: Pick<Setup, 'clients' | 'registration' | 'documents' | 'signIn'>,
  book: Pick<Clients, 'get'>,
): Promise<Known | undefined> {
  const { clients, registration } = setup
  const configured = clients.get(id)
  if (configured !== undefined) return { standing: 'configured', entitlement: configured }
  if (isServedDocument(id, setup)) {
    return { standing: 'described', entitlement: entitlementAt(id, setup) }
  }
  const registered = await book.get(id)
  if (registered === undefined) return undefined
  if (registered.statement !== undefined) {
    const issuer = registration.statements.get(registered.statement)
    return issuer && { standing: 'vouched_for', entitlement: issuer }
  }
  if (registered.token === undefined) {
    return { standing: 'self_registered', entitlement: SELF_REGISTERED }
  }
  const token = registration.tokens.get(registered.token)
  return token && { standing: 'registered_with_token', entitlement: token }
}

/** The scopes a client can get on a server; none when it may not have tokens for it at all. */
export function scopesOn(
  server: ProtectedServer,
  entitlement: Pick<Entitlement, 'servers' | 'scopes'>,
): readonly string[] {
  const { servers, scopes } = entitlement
  if (servers !== undefined && !servers.includes(server.name)) return []
  const offered = server.scopes.length === 0 ? [BASE_SCOPE] : server.scopes
  return scopes === undefined ? offered : offered.filter((scope) => scopes.includes(scope))
}
