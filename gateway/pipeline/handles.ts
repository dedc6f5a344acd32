/**
 * The handles a legacy client keeps for us: session and event ids of a server are sealed on their way
 * down and opened on their way up, so that a handle works for the caller and server it was made for,
 * whatever its token is by then, and on every replica. Nothing is kept here.
 */
import type { Capability } from '../mcp/capabilities.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import type { Caller } from '../model/caller.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import type { Seals } from '../seal/seal.ts'
import type { Seated, Session } from './visit.ts'

/** Longest session id of a server that is taken, in characters. */
const MAX_SESSION_ID_CHARS = 1_024

/** Whom and what a handle is bound to. A refreshed token of the same party is the same owner. */
export function ownerOf(
  { tenant, issuer, subject, client }: Caller,
  server: McpServer,
): readonly string[] {
  return [tenant, issuer, subject, client, server.name]
}

/** Sessions by their handle; opening one costs as much as judging a call, so the latest are kept. */
export type Sessions = {
  /** Undefined for a handle that is not this caller's at this server. */
  open(handle: string, caller: Caller, server: McpServer): Session | undefined
}

/** Sessions kept per caller, which lives as long as its token is cached; clients have one or two. */
const MAX_KEPT = 8

export function createSessions(seals: Seals): Sessions {
  const kept = new WeakMap<Caller, Map<string, Session>>()
  return {
    open(handle, caller, server) {
      const key = `${server.name} ${handle}`
      let own = kept.get(caller)
      const known = own?.get(key)
      if (known !== undefined) return known
      const text = seals.open('session', ownerOf(caller, server), handle)
      if (text === undefined) return undefined
      if (own === undefined) kept.set(caller, (own = new Map()))
      if (own.size >= MAX_KEPT) own.clear()
      const session = { handle, ...readSession(text) }
      own.set(key, session)
      return session
    },
  }
}

/**
 * Opens the handles of a request: from here on its head holds the server's own ids.
 *
 * @throws {Refusal} `session_unknown` for a session that is not this caller's at this server,
 *   `invalid_request` for an event id that is not.
 */
export function openHandles(seat: Seated, caller: Caller, desk: HandleDesk): void {
  const { head, server } = seat
  if (seat.side !== undefined) return
  // The modern revisions have neither: what is sent all the same is ignored.
  if (MODERN_VERSIONS.includes(head.protocolVersion ?? '')) return
  if (head.sessionId !== undefined) {
    seat.session = desk.sessions.open(head.sessionId, caller, server)
    if (seat.session === undefined) throw new Refusal('session_unknown')
    head.sessionId = seat.session.id
  }
  // Only a stream can be resumed.
  if (seat.httpMethod !== 'GET') head.lastEventId = undefined
  if (head.lastEventId === undefined) return
  head.lastEventId = desk.seals.open('event', ownerOf(caller, server), head.lastEventId)
  if (head.lastEventId === undefined) {
    throw new Refusal('invalid_request', { message: 'Last-Event-ID is not of this session' })
  }
}

type HandleDesk = { readonly seals: Seals; readonly sessions: Sessions }

/** The inverse of `sealSession`: version, capabilities and id, none of which has a space. */
function readSession(text: string): Omit<Session, 'handle'> {
  const [version = '', declared = '', id = ''] = text.split(' ')
  if (declared === '') return { version, id, declared: [] }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `sealSession` seals for this purpose
  return { version, id, declared: declared.split(',') as Capability[] }
}

/**
 * The handle of a session that a server has just opened.
 *
 * @param session `version` is what was negotiated; empty when the answer does not say.
 * @throws {Refusal} `upstream_unavailable` for an id that is none (MCP 2025-11-25, "Session Management").
 */
export function sealSession(
  { id, version, declared }: Omit<Session, 'handle'>,
  {
    caller,
    server,
    seals,
  }: { readonly caller: Caller; readonly server: McpServer; readonly seals: Seals },
): string {
  if (id.length > MAX_SESSION_ID_CHARS || !/^[\x21-\x7e]+$/.test(id)) {
    throw new Refusal('upstream_unavailable', { detail: 'a session id that is none' })
  }
  return seals.seal('session', ownerOf(caller, server), `${version} ${declared.join(',')} ${id}`)
}
