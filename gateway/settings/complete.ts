/**
 * From data that may be wrong anywhere to a `ConfigFile` that can be read on: what the schema refused
 * is taken out, so that one mistake does not hide the next.
 */
import type { Path } from '../model/problem.ts'
import type { ConfigFile } from './config-file.ts'
import type { Explained } from './explain-errors.ts'
import { examine, withDefaults } from './validate.ts'

export type Completed = {
  /** Typed where `residue` does not say otherwise; undefined when the document is no mapping. */
  readonly config: ConfigFile | undefined
  /** Everything the schema found, to be reported. */
  readonly faults: readonly Explained[]
  /** Paths that could not be mended: what lies there must not be read. */
  readonly residue: readonly Path[]
}

/** The configuration as far as it is right. */
export function complete(data: unknown): Completed {
  const faults = examine('config', data)
  if (!isRecord(data)) return { config: undefined, faults, residue: [[]] }
  // A deep copy, in which an alias used twice is two values: each place gets its own defaults.
  const copy: unknown = JSON.parse(JSON.stringify(data))
  for (const { spoils } of faults) if (spoils !== undefined) remove(copy, spoils)
  writeOutUpstreams(copy)
  writeOutEmbedded(copy)
  const filled = withDefaults('config', copy)
  const residue = examine('config', filled).flatMap(({ spoils }) =>
    spoils === undefined ? [] : [spoils],
  )
  return { config: asConfigFile(filled), faults, residue }
}

/** `upstream: URL` is short for `upstream: { url: URL }`. */
function writeOutUpstreams(config: unknown): void {
  const servers = isRecord(config) ? config['servers'] : undefined
  for (const server of isRecord(servers) ? Object.values(servers) : []) {
    if (!isRecord(server) || typeof server['upstream'] !== 'string') continue
    server['upstream'] = { url: server['upstream'] }
  }
}

/** `authorization_server: embedded` is short for `authorization_server: {}`. */
function writeOutEmbedded(config: unknown): void {
  if (isRecord(config) && config['authorization_server'] === 'embedded') {
    config['authorization_server'] = {}
  }
}

/** Takes a member out of its mapping. Items of lists stay, or those behind them would move. */
function remove(root: unknown, path: Path): void {
  const last = path.at(-1)
  let parent: unknown = root
  for (const segment of path.slice(0, -1)) {
    if (!isRecord(parent) && !Array.isArray(parent)) return
    parent = Reflect.get(parent, segment)
  }
  if (isRecord(parent) && last !== undefined) Reflect.deleteProperty(parent, last)
}

function asConfigFile(filled: unknown): ConfigFile {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has just been applied
  const config = filled as Partial<Pick<ConfigFile, 'servers'>> & Omit<ConfigFile, 'servers'>
  // The one section that is required and walked through whether or not it is there.
  return { ...config, servers: config.servers ?? {} }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
