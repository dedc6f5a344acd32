/**
 * Servers of different eras behind one host: clients remember one era for a host (MCP 2026-07-28,
 * versioning), and come to the other server with the wrong one.
 */
import { isIPv4 } from 'node:net'

import type { Spoken } from '../mcp/spoken.ts'
import { erasOf, versionsOf } from '../mcp/spoken.ts'
import { isLoopback } from '../model/loopback.ts'
import type { McpServer } from '../model/server.ts'

export type SharedHost = {
  readonly host: string
  /** The first of its servers, for a place in the configuration. */
  readonly first: string
  /** What is the matter, in one line. */
  readonly problem: string
  /** Lines for the configuration that mend it. */
  readonly mend: readonly string[]
}

/**
 * The hosts that are better split. Servers that speak both eras, or of which nothing is known, go with
 * any others.
 */
export function findSharedHosts(
  servers: readonly McpServer[],
  spokenBy: (server: McpServer) => Spoken,
): readonly SharedHost[] {
  const hosts = Map.groupBy(servers, ({ host }) => host)
  return [...hosts].flatMap(([host, own]) => {
    const ofOneEra = own.filter((server) => ['legacy', 'modern'].includes(erasOf(spokenBy(server))))
    const eras = new Set(ofOneEra.map((server) => erasOf(spokenBy(server))))
    const [first] = ofOneEra
    if (eras.size < 2 || first === undefined) return []
    const named = ofOneEra.map((server) => {
      const spoken = spokenBy(server)
      return `${server.name} (${erasOf(spoken)}: ${versionsOf(spoken).join(', ')})`
    })
    const problem =
      `servers of different eras share the host ${host}: ${named.join(', ')}; clients remember ` +
      'one era for a host, so give each a host of its own'
    return [
      { host, first: first.name, problem, mend: ['servers:', ...ofOneEra.flatMap(hostLines)] },
    ]
  })
}

function hostLines({ name, host }: McpServer): readonly string[] {
  return [`  ${name}:`, `    host: ${hostFor(name, host)}`]
}

/** A name of its own below the host; addresses have no names below them. */
function hostFor(name: string, host: string): string {
  const { hostname } = new URL(`http://${host}`)
  const parent = isLoopback(hostname) ? 'localhost' : isAddress(hostname) ? 'mcp.example' : hostname
  return `${name}.${parent}${host.slice(hostname.length)}`
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIPv4(hostname)
}
