/** Asks servers once which eras they speak, for a check of the configuration without a gateway. */
import type { Spoken } from '../mcp/spoken.ts'
import { NOTHING_KNOWN, spokenAsConfigured } from '../mcp/spoken.ts'
import type { McpServer } from '../model/server.ts'
import { probeEras } from '../pipeline/probe-era.ts'
import { createConversations } from '../upstream/conversations.ts'

/** Deadlines are looked at this often. */
const LOOK_EVERY_MS = 250

/** What could be found out about each of them; servers whose eras are configured are not asked. */
export async function askEras(
  servers: readonly McpServer[],
  tick: () => number = () => performance.now(),
): Promise<ReadonlyMap<McpServer, Spoken>> {
  const asked = servers.filter((server) => spokenAsConfigured(server) === NOTHING_KNOWN)
  const conversations = createConversations(asked, tick)
  const look = setInterval(() => conversations.sweep(tick()), LOOK_EVERY_MS)
  try {
    const learned = await Promise.all(
      asked.map(async (server): Promise<[McpServer, Spoken]> => {
        return [server, await probeEras(server, conversations)]
      }),
    )
    const configured = servers.map((server) => [server, spokenAsConfigured(server)] as const)
    return new Map([...configured, ...learned])
  } finally {
    clearInterval(look)
    await conversations.destroy()
  }
}
