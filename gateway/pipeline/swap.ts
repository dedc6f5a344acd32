/** Step 7: the caller's token stays here; what the server needs instead goes into fresh headers. */
import { bearerOf } from '../identity/credential.ts'
import type { CallerCredential, Credential } from '../model/credential.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { readBearerChallenge } from '../oauth/read-challenge.ts'
import type { Found } from '../vault/found.ts'
import type { Desk } from './desk.ts'
import type { Seat } from './frame.ts'
import { textOf } from './link-answer.ts'
import { toolOf } from './tool-of.ts'

/** Headers that carry a credential, flat. */
export type Injected = readonly string[]

const NOTHING: Injected = []

type SwapDesk = Pick<Desk, 'swaps'>

/**
 * The headers that carry the credential this permit may use: the one that its rule chose, else that of the
 * tool, else that of the server. The caller's own credential is not among them because nothing of the
 * caller's headers is copied: `up-headers.ts` starts from nothing. At once, but for a credential that has to
 * be fetched first.
 *
 * @throws {Refusal} (or rejects with) `credential_missing`, `credential_unavailable`.
 */
export function swap(permit: Permit, seat: Seat, desk: SwapDesk): Injected | Promise<Injected> {
  return injected(credentialOf(permit), seat, isPlumbing(permit), desk)
}

/** The same for requests of our own in the name of the caller of a seat: they use the server's credential. */
export function swapForOwn(seat: Seat, desk: SwapDesk): Injected | Promise<Injected> {
  return injected(seat.server.credential, seat, true, desk)
}

/** Another credential in place of one that the server refused (401); undefined where there is no other. */
export async function swapAgain(
  permit: Permit,
  seat: Seat,
  desk: SwapDesk,
): Promise<Injected | undefined> {
  const credential = credentialOf(permit)
  const refused = seat.found
  const isFallback = refused === undefined && fallbackFor(credential, seat.server) !== undefined
  if (!isOfCaller(credential) || isFallback) return undefined
  if (refused === undefined) {
    // It wanted one after all for what went up without: the caller is told what it lacks.
    const now = await desk.swaps.find(wanted(credential, seat))
    return use(now, { credential, seat, isPlumbing: false }, desk)
  }
  const found = await desk.swaps.renew(wanted(credential, seat), refused)
  if (found === refused) return undefined
  return use(found, { credential, seat, isPlumbing: false }, desk)
}

/**
 * Asks the caller to give the account more access, where its server says that this is what the call lacks
 * (RFC 6750 §3.1), and it can be had. One that was given all that is asked for is not asked again.
 *
 * @param challenge The server's, of a 403.
 * @throws {Refusal} `credential_missing`.
 */
export function askForMore(
  challenge: string | undefined,
  { permit, seat }: { readonly permit: Permit; readonly seat: Seat },
  desk: SwapDesk,
): void {
  const credential = credentialOf(permit)
  if (challenge === undefined || seat.found === undefined || !isOfCaller(credential)) return
  const read = readBearerChallenge(challenge)
  if (read?.error !== 'insufficient_scope') return
  const found = desk.swaps.widen(wanted(credential, seat), read.scopes)
  if (found !== undefined) use(found, { credential, seat, isPlumbing: false }, desk)
}

/** A server's own static credential, for transports that have no other. */
export function credentialHeaders({ credential }: McpServer): Injected {
  return credential.kind === 'static' ? [credential.header, credential.value.reveal()] : NOTHING
}

function injected(
  credential: Credential,
  seat: Seat,
  isPlumbing: boolean,
  desk: SwapDesk,
): Injected | Promise<Injected> {
  switch (credential.kind) {
    case 'none':
      return NOTHING
    case 'static':
      return [credential.header, credential.value.reveal()]
    case 'issue':
    case 'exchange':
    case 'vault': {
      const found = desk.swaps.find(wanted(credential, seat))
      return found instanceof Promise
        ? found.then((one) => use(one, { credential, seat, isPlumbing }, desk))
        : use(found, { credential, seat, isPlumbing }, desk)
    }
  }
}

/**
 * The one that the rule chose, else that of the tool, where it has one of its own: a task is asked about as
 * the one who began it.
 */
function credentialOf(permit: Permit): Credential {
  const { server, call, elements } = permit
  if (permit.credential !== undefined) return chosen(permit, permit.credential)
  if (server.toolCredentials === undefined && server.ruleCredentials === undefined) {
    return server.credential
  }
  if (elements === undefined) {
    const [target] = call.targets
    const tool = target && toolOf(target)
    return (tool !== undefined && server.toolCredentials?.get(tool)) || server.credential
  }
  const [one, ...others] = new Set(elements.map(credentialOf))
  if (others.length === 0) return one ?? server.credential
  const message = 'These calls need different credentials; send them one by one'
  throw new Refusal('invalid_request', { message })
}

/**
 * Loading sees to it that the server has what a rule chooses, and that nobody anonymous is served where
 * there is one; here neither is taken for granted.
 */
function chosen({ server, caller }: Permit, name: string): Credential {
  const credential = server.ruleCredentials?.get(name)
  if (credential === undefined) {
    const detail = `the rule chooses "${name}", which ${server.name} does not have`
    throw new Refusal('credential_missing', { detail })
  }
  if (credential.kind !== 'none' && caller.via === 'anonymous') {
    throw new Refusal('credential_missing', { message: 'Nobody is signed in' })
  }
  return credential
}

/** What is sent where there is none for this caller. Nothing stands in for what a rule chose. */
function fallbackFor(credential: Credential, server: McpServer): McpServer['fallback'] {
  const isChosen = [...(server.ruleCredentials?.values() ?? [])].includes(credential)
  return isChosen ? undefined : server.fallback
}

function isOfCaller(credential: Credential): credential is CallerCredential {
  return credential.kind !== 'none' && credential.kind !== 'static'
}

function wanted(credential: CallerCredential, { journey, head, server }: Seat) {
  const { caller } = journey
  if (caller === undefined || caller.via === 'anonymous') {
    throw new Refusal('credential_missing', { message: 'Nobody is signed in' })
  }
  // Of another scheme, such as DPoP: a token that is bound to a key of the caller's is of no use to us.
  const token = bearerOf(head?.authorization ?? '')
  return { server: server.name, caller, credential, token: token === '' ? undefined : token }
}

/** Being connected at all, and lists: what a client does before it calls anything. */
function isPlumbing({ call, elements }: Permit): boolean {
  return elements === undefined ? call.needs === 'connection' : elements.every(isPlumbing)
}

type Use = {
  readonly credential: CallerCredential
  readonly seat: Seat
  readonly isPlumbing: boolean
}

/** Remembers what is sent, so that it can be taken out of the answer and renewed. */
function use(
  found: Found,
  { credential, seat, isPlumbing: plumbs }: Use,
  desk: SwapDesk,
): Injected {
  if (found.kind === 'injection') {
    seat.found = found
    return found.injection
  }
  const { server, journey } = seat
  const fallback = fallbackFor(credential, server)
  if (fallback !== undefined) return [fallback.header, fallback.value.reveal()]
  if (plumbs && credential.kind === 'vault' && credential.neededFor === 'calls') return NOTHING
  const { connect, reason: message } = found
  const url =
    connect === undefined || journey.caller === undefined
      ? undefined
      : desk.swaps.connectLink(journey.caller, connect, server.name)
  if (url === undefined) throw new Refusal('credential_missing', { message })
  const link = { url, message, purpose: 'connect' }
  throw new Refusal('credential_missing', { message: textOf(link), data: { url }, link })
}
