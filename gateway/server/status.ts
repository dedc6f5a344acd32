/** What is told about the running gateway: to operators, to probes and to the metrics. */
import { erasOf } from '../mcp/spoken.ts'
import type { ListedTools } from './crew-talk.ts'
import type { Generation } from './generation.ts'
import type { House } from './house.ts'
import { type Readiness, readinessOf } from './readiness.ts'
import type { LastReload } from './reload.ts'
import { erasText } from './server-eras.ts'
import { countStreams } from './stream-counts.ts'

/** As `gatehouse status` shows it; plain JSON values. */
export type Status = Readonly<Record<string, unknown>>

/** Everything at once, for operators. */
export function statusOf(
  house: House,
  now: { readonly lastReload: LastReload; readonly connections: number },
): Status {
  const { plant, answering, version, startedAtMs, current, sockets } = house
  const open = [...countStreams(answering), ...sockets.counts()]
  return {
    version,
    config: current.settings.version,
    upSeconds: Math.round((plant.now() - startedAtMs) / 1_000),
    servers: serversIn(current),
    heldTools: heldIn(house),
    streams: open.reduce((sum, each) => sum + each.open, 0),
    connections: now.connections,
    lastReload: now.lastReload,
    ...readinessIn(house, now.lastReload),
  }
}

/** The eras that each server is known to speak, for the metrics. */
export function erasIn({ settings, eras }: Generation): Iterable<{ server: string; eras: string }> {
  return settings.servers.map((server) => ({ server: server.name, eras: erasOf(eras.of(server)) }))
}

/** The tools that each server has listed, to whomever, in the order of their names. */
export function toolsIn({ plant: { catalogue }, current }: House): ListedTools {
  return Object.fromEntries(
    current.settings.servers.map(({ name }) => [
      name,
      [...catalogue.names(name, 'tool')].toSorted(),
    ]),
  )
}

/** What `/readyz` says now. */
export function readinessIn({ plant, draining }: House, lastReload: LastReload): Readiness {
  return readinessOf({ plant, lastReload, draining })
}

/** As `gatehouse status` lists them. */
function serversIn({ settings, eras }: Generation): readonly object[] {
  return settings.servers.map((server) => {
    const { name, resource } = server
    return { name, resource, eras: erasText(eras.of(server)) }
  })
}

/** Tools that are hidden because their definition has changed, as `server/tool`. */
function heldIn({ plant, current }: House): readonly string[] {
  return current.settings.servers.flatMap(({ name, pin }) =>
    pin === 'hold' ? plant.pins.heldAt(name).map((tool) => `${name}/${tool}`) : [],
  )
}
