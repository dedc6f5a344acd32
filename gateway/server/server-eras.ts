/** The eras of the servers of one configuration: asked for, told to operators, and held against hosts. */
import type { Spoken } from '../mcp/spoken.ts'
import { erasOf, versionsOf } from '../mcp/spoken.ts'
import type { McpServer } from '../model/server.ts'
import type { Eras } from '../pipeline/eras.ts'
import { createEras } from '../pipeline/eras.ts'
import { lacksStill, probeEras } from '../pipeline/probe-era.ts'
import type { Heard } from '../pipeline/probe-question.ts'
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
  const doubted = new Set<string>()
  const probe = async (server: McpServer): Promise<Spoken> => {
    let heard: Heard | undefined
    const spoken = await probeEras(server, conversations, (what) => {
      heard = what
    })
    if (erasOf(spoken) !== 'unknown') doubted.delete(server.name)
    // Once, however often it is asked again: most servers only start later than the gateway.
    else if (heard !== undefined && !doubted.has(server.name)) {
      doubted.add(server.name)
      plant.emit({ type: 'warning', what: 'server_not_understood', detail: doubt(server, heard) })
    }
    return spoken
  }
  const eras = createEras({
    servers,
    probe,
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

/** Why nothing is known of a server that was asked, and what operators look at first. */
export function doubt({ name, upstream }: McpServer, heard: Heard): string {
  const where = `${name}: ${upstream.origin}${upstream.path}`
  if (typeof heard === 'string') return `${where} does not answer: ${heard}; it is asked again`
  const hint = HINTS[heard] ?? 'is it an MCP server?'
  return `${where} answers with status ${heard}, and nothing of MCP: ${hint}`
}

const PATH = 'look at the path; a server of HTTP+SSE needs "transport: sse"'
const CREDENTIAL = 'it wants a credential of the gateway ("credential")'

const HINTS: Readonly<Record<number, string>> = {
  401: CREDENTIAL,
  403: CREDENTIAL,
  404: PATH,
  405: PATH,
}

/** In words, for `gatehouse status`. */
export function erasText(spoken: Spoken): string {
  return [erasOf(spoken), ...versionsOf(spoken)].join(' ')
}
