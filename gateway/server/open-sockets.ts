/** Opens both sides of a WebSocket connection: dials the server, and accepts the client or lets it be refused. */
import { dialServer } from '../egress/dial-server.ts'
import { SUBPROTOCOL } from '../mcp/subprotocol.ts'
import { messageOf } from '../model/message-of.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { welcome } from '../pipeline/handshake.ts'
import { credentialHeaders } from '../pipeline/swap.ts'
import { MAX_ANSWER_BYTES } from '../upstream/exchange.ts'
import { accept } from '../websocket/accept.ts'
import type { Wire } from '../websocket/wire.ts'
import { beginJourney } from './begin-journey.ts'
import type { Generation } from './generation.ts'
import type { Plant } from './plant.ts'
import { type UpgradeArrival, UpgradeVisit } from './upgrade-visit.ts'

export type OpenSocketsOptions = {
  readonly plant: Plant
  readonly current: () => Generation
}

/** A visit with its record; undefined when an earlier request on the connection is still being answered. */
export function openUpgrade(
  arrival: UpgradeArrival,
  { plant, current }: OpenSocketsOptions,
): UpgradeVisit | undefined {
  const { request, socket } = arrival
  socket.on('error', () => socket.destroy())
  const journey = beginJourney(request, current().desk, plant)
  try {
    return new UpgradeVisit(arrival, journey)
  } catch {
    return undefined
  }
}

/** Both sides of a connection, and what lets the caller have it. */
export type Opened = { readonly permit: Permit; readonly client: Wire; readonly server: Wire }

/**
 * The server first: a client that is accepted can be served.
 *
 * @throws {Refusal} `overloaded`, `upstream_unavailable`, and whatever admitting and judging the handshake throws.
 */
export async function openBoth(
  visit: UpgradeVisit,
  isFull: (server: McpServer) => boolean,
  { plant, current }: OpenSocketsOptions,
): Promise<Opened> {
  const { tick } = plant
  const { permit } = await welcome(visit, current().desk)
  const { upstream, maxBodyBytes } = permit.server
  if (isFull(permit.server)) {
    throw new Refusal('overloaded', { detail: 'max_connections of the server are open' })
  }
  const dialled = {
    headers: credentialHeaders(permit.server),
    subprotocol: SUBPROTOCOL,
    maxFrameBytes: MAX_ANSWER_BYTES,
    tick,
  }
  visit.journey.attempts = 1
  const from = tick()
  const server = await dialServer(upstream, dialled).catch((error: unknown) => {
    const detail = messageOf(error)
    throw new Refusal('upstream_unavailable', { detail, cause: error })
  })
  visit.journey.spentMs.upstream = tick() - from
  visit.release()
  try {
    const accepted = { subprotocol: SUBPROTOCOL, maxFrameBytes: maxBodyBytes, tick }
    return { permit, server, client: await accept(visit.arrival, accepted) }
  } catch (error) {
    server.cut()
    visit.journey.ending = 'client_gone'
    throw error
  }
}
