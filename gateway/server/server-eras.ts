/** The eras of the servers of one configuration: asked for, told to operators, and held against hosts. */
import type { Spoken } from '../mcp/spoken.ts'
import { erasOf, versionsOf } from '../mcp/spoken.ts'
import type { McpServer } from '../model/server.ts'
import type { Eras } from '../pipeline/eras.ts'
import { createEras } from '../pipeline/eras.ts'
import { lacksStill, probeEras } from '../pipeline/probe-era.ts'
import type { Conversations } from '../upstream/conversations.ts'
import type { Plant } from './plant.ts'
import { findSharedHosts } from './shared-hosts.ts'

export type ServerErasOptions = {
  readonly servers: readonly McpServer[]
  readonly conversations: Conversations
  readonly plant: Pick<Plant, 'emit' | 'tick'>
  readonly previous: Eras | undefined
}

/** Begins to ask at once; nobody waits for the answers. */
export function createServerEras(options: ServerErasOptions): Eras {
  const { servers, conversations, plant, previous } = options
  const warned = new Set<string>()
  const warn = (): void => {
    for (const { problem, mend } of findSharedHosts(servers, eras.of)) {
      if (warned.has(problem)) continue
      warned.add(problem)
      const detail = [problem, ...mend].join('\n')
      plant.emit({ type: 'warning', what: 'eras_share_host', detail })
    }
  }
  const eras = createEras({
    servers,
    probe: (server) => probeEras(server, conversations),
    lacksStill: (missing, server) => lacksStill(missing, server, conversations),
    onLearned: ({ name }, spoken) => {
      const versions = versionsOf(spoken)
      plant.emit({ type: 'eras_learned', server: name, eras: erasOf(spoken), versions })
      warn()
    },
    previous,
  })
  warn()
  eras.look(plant.tick())
  return eras
}

/** In words, for `gatehouse status`. */
export function erasText(spoken: Spoken): string {
  return [erasOf(spoken), ...versionsOf(spoken)].join(' ')
}
