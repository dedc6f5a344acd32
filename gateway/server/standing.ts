/** Whether the caller of a WebSocket may go on with it, at each moment. */
import type { Caller } from '../model/caller.ts'
import type { McpServer } from '../model/server.ts'
import { credentialHeaders } from '../pipeline/swap.ts'
import { mayConnect } from '../policy/visible.ts'
import type { Generation } from './generation.ts'
import type { Plant } from './plant.ts'

/** As it is, or why not: `moved` when the configuration has another place or credential for its server. */
export type Standing = 'welcome' | 'expired' | 'revoked' | 'moved'

/** Whose connection it is, with the newest credential that was shown on it. */
export type Held = { caller: Caller }

export type StandingOptions = {
  readonly plant: Pick<Plant, 'revocations'>
  readonly current: () => Generation
  readonly held: Held
  readonly address: string
}

/**
 * Looks at the configuration and the revocations of the moment it is called.
 *
 * @param first The server as it was when the connection opened.
 */
export function createStanding(first: McpServer, options: StandingOptions): () => Standing {
  const { plant, current, held, address } = options
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

/** The server of this name in the configuration; undefined when it has none any more. */
export function configured(name: string, { settings }: Generation): McpServer | undefined {
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
