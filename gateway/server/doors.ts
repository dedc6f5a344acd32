/** Where a request goes: metadata, preflights and tickets are answered here, the rest walks the pipeline. */
import { SHED_RETRY_AFTER_SECONDS } from '../limits/in-flight.ts'
import { Refusal } from '../model/refusal.ts'
import { admit } from '../pipeline/admit.ts'
import { preflightHeaders } from '../pipeline/cors.ts'
import type { Desk } from '../pipeline/desk.ts'
import { handle } from '../pipeline/handle.ts'
import { issueTicket, withoutTicketSuffix } from '../pipeline/issue-ticket.ts'
import { noteRefusal, refuse } from '../pipeline/refuse.ts'
import { findServer, findSide, findSite } from '../pipeline/route.ts'
import type { Outgoing, Visit } from '../pipeline/visit.ts'
import type { ApprovalDoor } from './approval-door.ts'
import { isConnectTarget, openConnectDoor } from './connect-door.ts'
import type { ReadQuota } from './read-quota.ts'
import type { Vault } from './vault.ts'

/** Public documents by authority and target; all are JSON and readable by anyone. */
export type Documents = ReadonlyMap<string, ReadonlyMap<string, Document>>

/** A public document; its text is made when it is asked for. */
export type Document = {
  readonly text: () => string
  /** How long a reader may keep it; 0: not at all. */
  readonly maxAgeSeconds: number
}

const WELL_KNOWN = '/.well-known/'

const MCP_METHODS: readonly string[] = ['POST', 'GET', 'DELETE']

/** What of a generation is behind the doors. */
export type Rooms = {
  readonly desk: Desk
  readonly documents: Documents
  readonly countReader: ReadQuota
  readonly vault: Vault
  readonly approvalDoor: ApprovalDoor
  /** Authority of the public URL. */
  readonly host: string
}

/** Hands a visit to whoever serves its target; resolves when it has its answer. */
export async function receive(visit: Visit, rooms: Rooms): Promise<void> {
  const { desk, vault, approvalDoor } = rooms
  if (visit.target.startsWith(WELL_KNOWN)) return serve(visit, desk, () => document(visit, rooms))
  if (visit.httpMethod === 'OPTIONS') return serve(visit, desk, () => preflight(visit, desk))
  if (withoutTicketSuffix(visit.target) !== visit.target) return issueTicket(visit, desk)
  if (isConnectTarget(visit.target, vault)) return openConnectDoor(visit, rooms)
  if (approvalDoor.covers(visit.target)) return approvalDoor.serve(visit, desk)
  return handle(visit, desk)
}

/** Answers a visit that the process has no room for, before anything is looked at. */
export async function turnAway(visit: Visit, { desk }: Pick<Rooms, 'desk'>): Promise<void> {
  const refusal = new Refusal('overloaded', { retryAfterSeconds: SHED_RETRY_AFTER_SECONDS })
  const answer = refuse(noteRefusal(refusal, visit), visit, desk)
  // Its descriptor is wanted for what runs.
  await visit.reply({ ...answer, connection: 'close' })
  desk.finish(visit)
}

async function serve(
  visit: Visit,
  desk: Desk,
  answer: () => Outgoing | Promise<Outgoing>,
): Promise<void> {
  try {
    await visit.reply(await answer())
  } catch (error) {
    await visit.reply(refuse(noteRefusal(error, visit), visit, desk))
    // What is public leaves no record; a refusal does, as everywhere.
    desk.finish(visit)
  }
}

async function document(
  visit: Visit,
  { documents, countReader }: Pick<Rooms, 'documents' | 'countReader'>,
): Promise<Outgoing> {
  await countReader(visit.journey.address)
  const head = admit(visit)
  const found = documents.get(head.host?.toLowerCase() ?? '')?.get(visit.target)
  if (visit.httpMethod === 'OPTIONS') return open(204, undefined)
  if (visit.httpMethod !== 'GET') return open(405, undefined, { more: ['allow', 'GET, OPTIONS'] })
  if (found === undefined) return open(404, undefined)
  return open(200, found.text(), { maxAgeSeconds: found.maxAgeSeconds })
}

/** Anyone may read these from a browser: they hold nothing that is secret. */
function open(
  status: number,
  bytes: string | undefined,
  options: { readonly maxAgeSeconds?: number; readonly more?: readonly string[] } = {},
): Outgoing {
  const { maxAgeSeconds = 0, more = [] } = options
  return {
    status,
    headers: [
      'content-type',
      'application/json',
      'cache-control',
      maxAgeSeconds === 0 ? 'no-store' : `public, max-age=${maxAgeSeconds}`,
      'access-control-allow-origin',
      '*',
      'access-control-allow-headers',
      'mcp-protocol-version',
      'access-control-allow-methods',
      'GET',
      ...more,
    ],
    body: { kind: 'whole', bytes },
  }
}

function preflight(visit: Visit, desk: Desk): Outgoing {
  const head = admit(visit)
  visit.head = head
  const site = findSite(head, desk.routes)
  const side = findSide(site, visit.target)
  if (side === undefined) findServer(site, withoutTicketSuffix(visit.target))
  const methods = [...(side?.route.methods ?? MCP_METHODS), 'OPTIONS'].join(', ')
  const asked = firstHeader(visit, 'access-control-request-headers')
  const headers = ['allow', methods, ...preflightHeaders(visit, desk.routes, { methods, asked })]
  return { status: 204, headers, body: { kind: 'whole', bytes: undefined } }
}

/** A header of the request, the first where it stands there twice; undefined when it is not there. */
function firstHeader(visit: Visit, name: string): string | undefined {
  for (let at = 0; at + 1 < visit.rawHeaders.length; at += 2) {
    if (visit.rawHeaders[at]?.toLowerCase() === name) return visit.rawHeaders[at + 1]
  }
  return undefined
}
