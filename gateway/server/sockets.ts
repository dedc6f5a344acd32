/** All WebSocket connections: from the request to upgrade to the last of them at the end. */
import { dialServer } from '../egress/dial-server.ts'
import { SUBPROTOCOL } from '../mcp/subprotocol.ts'
import type { Caller } from '../model/caller.ts'
import type { Permit } from '../model/permit.ts'
import { Refusal } from '../model/refusal.ts'
import type { McpServer } from '../model/server.ts'
import { welcome } from '../pipeline/handshake.ts'
import type { LookUpBudget } from '../pipeline/look-up-budget.ts'
import { createLookUpBudget } from '../pipeline/look-up-budget.ts'
import { noteRefusal, refuse } from '../pipeline/refuse.ts'
import { renew } from '../pipeline/renewal.ts'
import { SocketSession } from '../pipeline/socket-session.ts'
import { credentialHeaders } from '../pipeline/swap.ts'
import { mayConnect } from '../policy/visible.ts'
import { MAX_ANSWER_BYTES } from '../upstream/exchange.ts'
import { accept } from '../websocket/accept.ts'
import type { Wire } from '../websocket/wire.ts'
import type { Generation } from './generation.ts'
import type { Hearer } from './hearers.ts'
import type { Log } from './log.ts'
import { newJourney } from './new-journey.ts'
import type { Plant } from './plant.ts'
import type { Standing } from './socket-connection.ts'
import { SocketConnection } from './socket-connection.ts'
import type { StreamCount } from './stream-counts.ts'
import type { UpgradeArrival } from './upgrade-visit.ts'
import { UpgradeVisit } from './upgrade-visit.ts'

export type Sockets = {
  /** Whether requests for this target may upgrade; for all others an upgrade is not asked for. */
  serves(target: string): boolean
  receive(arrival: UpgradeArrival): void
  /** Call it every second. @param tick Monotonic milliseconds. */
  look(tick: number): void
  /** Ends each connection once no call runs on it; no others come. */
  drain(): void
  /** Ends them now. */
  cut(): void
  counts(): readonly StreamCount[]
  /** Those that have been opened to the end. */
  hearers(): Iterable<Hearer>
}

export type SocketsOptions = {
  readonly plant: Plant
  readonly log: Log
  readonly current: () => Generation
}

export function createSockets(options: SocketsOptions): Sockets {
  const { current, log } = options
  /** Handshakes that are neither accepted nor refused yet. */
  const arriving = new Set<UpgradeVisit>()
  const open = new Map<SocketConnection, string>()
  const budget = createLookUpBudget(options.plant.tick)
  let draining = false

  /** Counts handshakes too, or a burst of them would go beyond the bound. */
  const isFull = ({ name, upstream }: McpServer): boolean => {
    let taken = 0
    for (const server of open.values()) if (server === name) taken += 1
    for (const { server } of arriving) if (server?.name === name) taken += 1
    return taken > upstream.maxConnections
  }
  const begin = (visit: UpgradeVisit, opened: Opened): void => {
    const { permit } = opened
    const { desk } = current()
    const held: Held = { caller: permit.caller }
    const connection: SocketConnection = new SocketConnection({
      visit,
      client: opened.client,
      server: opened.server,
      session: sessionOf(visit, opened, { ...options, budget, held }),
      standing: createStanding(permit, { ...options, held, address: visit.journey.address }),
      renew: async (ticket) => {
        const { address, certificate } = visit.journey
        const server = configured(permit.server.name, current()) ?? permit.server
        const { target, head } = visit
        const place = { server, address, certificate, target, origin: head?.origin }
        const from = { caller: held.caller, ...place }
        held.caller = await renew(ticket, from, current().desk)
      },
      idleTimeoutMs: permit.server.upstream.idleTimeoutMs,
      get caller() {
        return held.caller
      },
      onEnd: () => desk.finish(visit),
      onClosed: () => open.delete(connection),
    })
    open.set(connection, permit.server.name)
    if (draining) connection.drain()
  }
  const receive = async (visit: UpgradeVisit): Promise<void> => {
    const { desk } = current()
    arriving.add(visit)
    try {
      begin(visit, await openBoth(visit, isFull, options))
    } catch (error) {
      const refusal = refuse(noteRefusal(error, visit), visit, desk)
      // Once released it has been answered.
      if (visit.journey.status === 0) await visit.reply(refusal)
      desk.finish(visit)
    } finally {
      arriving.delete(visit)
    }
  }

  return {
    serves: (target) => {
      const path = target.split('?', 1)[0]
      return current().settings.servers.some(
        (server) => server.upstream.transport === 'websocket' && server.path === path,
      )
    },
    receive(arrival) {
      // The answer that is still due would be written into the frames.
      const visit = openUpgrade(arrival, options)
      if (visit === undefined) {
        arrival.socket.destroy()
        return
      }
      receive(visit).catch((error: unknown) => {
        arrival.socket.destroy()
        log('error', 'a handshake failed', { detail: String(error) })
      })
    },
    look(tick) {
      for (const connection of open.keys()) connection.look(tick)
    },
    drain() {
      draining = true
      for (const connection of open.keys()) connection.drain()
    },
    cut() {
      for (const { arrival } of arriving) arrival.socket.destroy()
      for (const connection of open.keys()) connection.cut()
    },
    hearers: () => Array.from(open.keys()).flatMap((connection) => connection.hearer ?? []),
    counts() {
      const counts = new Map<string, number>()
      for (const server of open.values()) counts.set(server, (counts.get(server) ?? 0) + 1)
      return Array.from(counts, ([server, count]) => ({ server, kind: 'websocket', open: count }))
    },
  }
}

/** Undefined when an earlier request on the connection is still being answered. */
function openUpgrade(
  arrival: UpgradeArrival,
  { plant, current }: SocketsOptions,
): UpgradeVisit | undefined {
  const { request, socket } = arrival
  socket.on('error', () => socket.destroy())
  const { desk } = current()
  const forwardedFor = request.headers['x-forwarded-for']
  const journey = newJourney({
    id: plant.newId(),
    nowMs: plant.now(),
    tick: plant.tick(),
    httpMethod: request.method ?? '',
    config: desk.version,
    address: desk.addressOf(
      socket.remoteAddress ?? '',
      typeof forwardedFor === 'string' ? forwardedFor : undefined,
    ),
    certificate: plant.certificateOf?.(socket),
  })
  try {
    return new UpgradeVisit(arrival, journey)
  } catch {
    return undefined
  }
}

/** Whose connection it is, with the newest credential that was shown on it. */
type Held = { caller: Caller }

type Opened = { readonly permit: Permit; readonly client: Wire; readonly server: Wire }

/** The server first: a client that is accepted can be served. */
async function openBoth(
  visit: UpgradeVisit,
  isFull: (server: McpServer) => boolean,
  { plant, current }: SocketsOptions,
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
    const detail = error instanceof Error ? error.message : String(error)
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

function sessionOf(
  visit: UpgradeVisit,
  { permit, client, server }: Opened,
  {
    plant,
    current,
    budget,
    held,
  }: SocketsOptions & { readonly budget: LookUpBudget; readonly held: Held },
): SocketSession {
  const serverNow = (): McpServer => configured(permit.server.name, current()) ?? permit.server
  return new SocketSession({
    get caller() {
      return held.caller
    },
    budget,
    desk: () => current().desk,
    server: serverNow,
    newJourney: () => {
      const { desk } = current()
      const journey = newJourney({
        id: plant.newId(),
        nowMs: plant.now(),
        tick: plant.tick(),
        httpMethod: visit.journey.httpMethod,
        config: desk.version,
        address: visit.journey.address,
      })
      journey.server = permit.server.name
      journey.caller = held.caller
      journey.trace = visit.journey.trace
      desk.startTrace(journey)
      return journey
    },
    toClient: (message) => client.send(message),
    toServer: (message) => server.send(message),
  })
}

/** Tells whether a connection may go on under the configuration and the revocations of each moment. */
function createStanding(
  { server: first }: Permit,
  {
    plant,
    current,
    held,
    address,
  }: SocketsOptions & { readonly held: Held; readonly address: string },
): () => Standing {
  let place = first
  return () => {
    const { caller } = held
    const generation = current()
    const server = configured(first.name, generation)
    if (server === undefined || !isSamePlace(place, server)) return 'moved'
    place = server
    if (plant.revocations.isRevoked(caller)) return 'revoked'
    const { rules, desk } = generation
    const at = { nowMs: desk.now(), facts: desk.facts, address, frame: undefined }
    const mayStay =
      caller.via === 'anonymous' || mayConnect(rules, caller, { server: server.name, ...at })
    if (!mayStay) return 'revoked'
    return generation.identify.stillValid(caller, server) ? 'welcome' : 'expired'
  }
}

function configured(name: string, { settings }: Generation): McpServer | undefined {
  return settings.servers.find((server) => server.name === name)
}

/** Whether a connection to one, with its credential, is one to the other. */
function isSamePlace(one: McpServer, other: McpServer): boolean {
  return one === other || placeOf(one) === placeOf(other)
}

function placeOf(server: McpServer): string {
  const { resource, upstream } = server
  return JSON.stringify([resource, upstream, credentialHeaders(server)])
}
