/**
 * Keeps what is known of the eras of all servers of one configuration. Each is asked at once; one that
 * gave no clear answer is asked again, at growing intervals. Where something is refused because of what
 * is known, that is asked anew: a server may be replaced by one that speaks it.
 */
import type { Spoken } from '../mcp/spoken.ts'
import { erasOf, NOTHING_KNOWN, spokenAsConfigured } from '../mcp/spoken.ts'
import type { McpServer } from '../model/server.ts'
import type { KnownEras } from './check-era.ts'

/** After a first answer that was not clear, mostly of a server that starts later; doubled each time. */
const FIRST_RETRY_MS = 1_000

/** A server whose answer stays unclear is not worth more requests than this. */
const MAX_RETRY_MS = 600_000

/** How long a server that has learned an era may be refused it. */
const RECHECK_MS = 60_000

export type ErasOptions = {
  readonly servers: readonly McpServer[]
  /** Asks a server for both eras. Never rejects. */
  readonly probe: (server: McpServer) => Promise<Spoken>
  /** Whether it still does not speak the one. Never rejects. */
  readonly lacksStill: (missing: 'legacy' | 'modern', server: McpServer) => Promise<boolean>
  /** Called when what is known of a server has changed. */
  readonly onLearned: (server: McpServer, spoken: Spoken) => void
  /** What the configuration before knew, which holds for the same upstreams until they have answered. */
  readonly previous: Eras | undefined
}

export type Eras = KnownEras & {
  /** Asks the servers whose time has come. Call it every second. @param tick Monotonic milliseconds. */
  look(tick: number): void
  /** What is known of this address. */
  recall(upstream: McpServer['upstream']): Spoken | undefined
}

type Entry = {
  readonly server: McpServer
  spoken: Spoken
  asking: boolean
  /** Answers in a row that were not clear. */
  unclear: number
  /** Monotonic milliseconds; Infinity when there is nothing to ask. */
  dueTick: number
}

export function createEras(options: ErasOptions): Eras {
  const { probe, lacksStill, onLearned } = options
  const entries = enterAll(options)

  const ask = async (entry: Entry): Promise<Spoken> => {
    const { server, spoken } = entry
    // Later on, only what is refused is asked about: no session is opened for what is known to work.
    const known = entry.dueTick === -Infinity ? 'unknown' : erasOf(spoken)
    if (known === 'legacy' && (await lacksStill('modern', server))) return spoken
    if (known === 'modern' && (await lacksStill('legacy', server))) return spoken
    return await probe(server)
  }
  const learn = (entry: Entry, spoken: Spoken, tick: number): void => {
    const changed = JSON.stringify(spoken) !== JSON.stringify(entry.spoken)
    const eras = erasOf(spoken)
    entry.unclear = eras === 'unknown' ? entry.unclear + 1 : 0
    entry.dueTick = tick + waitMs(eras === 'both', entry.unclear)
    entry.spoken = spoken
    entry.asking = false
    if (changed) onLearned(entry.server, spoken)
  }
  return {
    of: ({ name }) => entries.get(name)?.spoken ?? NOTHING_KNOWN,
    look(tick) {
      for (const entry of entries.values()) {
        if (entry.asking || entry.dueTick > tick) continue
        entry.asking = true
        void ask(entry).then((spoken) => learn(entry, spoken, tick))
      }
    },
    recall({ origin, path }) {
      for (const { server, spoken } of entries.values()) {
        if (server.upstream.origin === origin && server.upstream.path === path) return spoken
      }
      return undefined
    },
  }
}

/** Apart from what is kept: or each configuration would hold on to the one before, and all of them to their connections. */
function enterAll({ servers, previous }: ErasOptions): ReadonlyMap<string, Entry> {
  return new Map(servers.map((server) => [server.name, enter(server, previous)]))
}

function enter(server: McpServer, previous: Eras | undefined): Entry {
  const configured = spokenAsConfigured(server)
  const isAsked = configured === NOTHING_KNOWN
  return {
    server,
    spoken: isAsked ? (previous?.recall(server.upstream) ?? NOTHING_KNOWN) : configured,
    asking: false,
    unclear: 0,
    dueTick: isAsked ? -Infinity : Infinity,
  }
}

function waitMs(speaksBoth: boolean, unclear: number): number {
  // It is refused nothing.
  if (speaksBoth) return Infinity
  if (unclear === 0) return RECHECK_MS
  return Math.min(FIRST_RETRY_MS * 2 ** (unclear - 1), MAX_RETRY_MS)
}
