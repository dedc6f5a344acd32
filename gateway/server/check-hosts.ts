/** `gatehouse check` of hosts that several servers share: which eras do they speak? */
import { readFile } from 'node:fs/promises'

import type { Spoken } from '../mcp/spoken.ts'
import { spokenAsConfigured } from '../mcp/spoken.ts'
import type { Problem } from '../model/problem.ts'
import type { McpServer } from '../model/server.ts'
import type { Settings } from '../settings/settings.ts'
import { readYaml } from '../settings/yaml.ts'
import { askEras } from './ask-eras.ts'
import { findSharedHosts } from './shared-hosts.ts'

export type HostWarning = {
  /** At the first server of the host. */
  readonly problem: Problem
  /** Lines for the configuration that mend it. */
  readonly mend: readonly string[]
}

/**
 * Asks servers that share a host, and no others, which eras they speak.
 *
 * @param isOffline Nothing is asked: only what is configured counts.
 */
export async function checkHosts(
  { file, servers }: Pick<Settings, 'file' | 'servers'>,
  { isOffline }: { readonly isOffline: boolean },
): Promise<readonly HostWarning[]> {
  const hosts = Map.groupBy(servers, ({ host }) => host)
  const neighbours = [...hosts.values()].filter(({ length }) => length > 1).flat()
  const asked = isOffline ? new Map<McpServer, Spoken>() : await askEras(neighbours)
  const found = findSharedHosts(neighbours, (one) => asked.get(one) ?? spokenAsConfigured(one))
  if (found.length === 0) return []
  const document = readYaml(file, await readFile(file, 'utf8'))
  return found.map(({ first, problem: message, mend }) => {
    const at = document.ok ? document.at(['servers', first], 'key') : { line: 1, column: 1 }
    return { problem: { file, ...at, message }, mend }
  })
}
