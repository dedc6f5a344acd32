/** Step 7: the caller's token stays here; what the server needs instead goes into fresh headers. */
import { bearerOf } from '../identity/credential.ts'
import type { CallerCredential, Credential } from '../model/credential.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Found } from '../vault/found.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'

/** Headers that carry a credential, flat. */
export type Injected = readonly string[]

const NOTHING: Injected = []

/**
 * The headers that carry the credential this permit may use. The caller's own credential is not among
 * them because nothing of the caller's headers is copied: `up-headers.ts` starts from nothing. At once,
 * but for a credential that has to be fetched first.
 *
 * @throws {Refusal} (or rejects with) `credential_missing`, `credential_unavailable`.
 */
export function swap(
  permit: Permit,
  seat: Seat,
  desk: Pick<Desk, 'swaps'>,
): Injected | Promise<Injected> {
  return injected(credentialOf(permit), seat, desk)
}

/** The same for requests of our own in the name of the caller of a seat: they use the server's credential. */
export function swapForOwn(seat: Seat, desk: Pick<Desk, 'swaps'>): Injected | Promise<Injected> {
  return injected(seat.server.credential, seat, desk)
}

/** Another credential in place of one that the server refused (401); undefined where there is no other. */
export async function swapAgain(
  permit: Permit,
  seat: Seat,
  desk: Pick<Desk, 'swaps'>,
): Promise<Injected | undefined> {
  const credential = credentialOf(permit)
  const refused = seat.found
  if (!isOfCaller(credential) || refused === undefined) return undefined
  return use(await desk.swaps.renew(wanted(credential, seat), refused), seat)
}

/** A server's own static credential, for transports that have no other. */
export function credentialHeaders({ credential }: McpServer): Injected {
  return credential.kind === 'static' ? [credential.header, credential.value.reveal()] : NOTHING
}

function injected(
  credential: Credential,
  seat: Seat,
  desk: Pick<Desk, 'swaps'>,
): Injected | Promise<Injected> {
  switch (credential.kind) {
    case 'none':
      return NOTHING
    case 'static':
      return [credential.header, credential.value.reveal()]
    case 'issue':
    case 'exchange': {
      const found = desk.swaps.find(wanted(credential, seat))
      return found instanceof Promise ? found.then((one) => use(one, seat)) : use(found, seat)
    }
  }
}

/** That of the tool, where it has one of its own. */
function credentialOf(permit: Permit): Credential {
  const { server, call, elements } = permit
  if (server.toolCredentials === undefined) return server.credential
  if (elements === undefined) {
    const [target] = call.targets
    const own = target?.kind === 'tool' ? server.toolCredentials.get(target.name) : undefined
    return own ?? server.credential
  }
  const [one, ...others] = new Set(elements.map(credentialOf))
  if (others.length === 0) return one ?? server.credential
  const message = 'These calls need different credentials; send them one by one'
  throw new Refusal('invalid_request', { message })
}

function isOfCaller(credential: Credential): credential is CallerCredential {
  return credential.kind !== 'none' && credential.kind !== 'static'
}

function wanted(credential: CallerCredential, { journey, head, server }: Seat) {
  const { caller } = journey
  if (caller === undefined || caller.via === 'anonymous') {
    throw new Refusal('credential_missing', { message: 'Nobody is signed in' })
  }
  const token = head?.authorization === undefined ? undefined : bearerOf(head.authorization)
  return { server: server.name, caller, credential, token }
}

/** Remembers what is sent, so that it can be taken out of the answer and renewed. */
function use(found: Found, seat: Seat): Injected {
  if (found.kind === 'injection') {
    seat.found = found
    return found.injection
  }
  const { fallback } = seat.server
  if (fallback !== undefined) return [fallback.header, fallback.value.reveal()]
  throw new Refusal('credential_missing', { message: found.reason })
}
