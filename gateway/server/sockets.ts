/** All WebSocket connections: from the request to upgrade to the last of them at the end. */
import type { McpServer } from '../model/server.ts'
import type { LookUpBudget } from '../pipeline/look-up-budget.ts'
import { createLookUpBudget } from '../pipeline/look-up-budget.ts'
import { noteRefusal, refuse } from '../pipeline/refuse.ts'
import { renew } from '../pipeline/renewal.ts'
import { SocketSession } from '../pipeline/socket-session.ts'
import type { Generation } from './generation.ts'
import type { Hearer } from './hearers.ts'
import type { Log } from './log.ts'
import { newJourney } from './new-journey.ts'
import { openBoth, type Opened, openUpgrade } from './open-sockets.ts'
import type { Plant } from './plant.ts'
import { SocketConnection } from './socket-connection.ts'
import { configured, createStanding, type Held } from './standing.ts'
import type { StreamCount } from './stream-counts.ts'
import type { UpgradeArrival, UpgradeVisit } from './upgrade-visit.ts'

/** The connections of one process; `look`, `drain` and `cut` are for whoever looks after it. */
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

/** Starts no timer: whoever makes it calls `look`. */
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
      standing: createStanding(permit.server, { ...options, held, address: visit.journey.address }),
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
