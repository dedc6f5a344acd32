/**
 * Configuration file to `Settings`: YAML, schema, defaults, then what a schema cannot say. Everything
 * wrong is reported at once, each with file, line and column; nothing half-right is ever returned.
 */
import { createHash } from 'node:crypto'
import { readFile as readFromDisk } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import type { Problem } from '../model/problem.ts'
import { complete } from './complete.ts'
import type { ConfigFile } from './config-file.ts'
import { freeze } from './freeze.ts'
import { type PublicUrl, readPublicUrl } from './public-url.ts'
import { closeIncludes } from '../model/scope-includes.ts'
import { readApiKeys } from './read-api-keys.ts'
import { readAuthorizationServer } from './read-authorization-server.ts'
import { readGeneralPoint } from './read-decision-point.ts'
import { readIssuers } from './read-issuers.ts'
import { readLimits } from './read-limits.ts'
import { readKeys, readTransit } from './read-keys.ts'
import { readAllowedOrigins, readListen, readOps, readTrustedProxies } from './read-listen.ts'
import { readAudit, readTelemetry } from './read-outputs.ts'
import { readNotifications } from './read-notifications.ts'
import { readState } from './read-state.ts'
import { readProviders } from './read-providers.ts'
import { readServers } from './read-servers.ts'
import { readPolicies } from './policy-files.ts'
import {
  type AskWritable,
  type CanVerify,
  type Environment,
  type ReadFile,
  Reading,
  readTextFile,
} from './reading.ts'
import type { PolicySource, Settings } from './settings.ts'
import { readYaml } from './yaml.ts'

export type LoadOptions = {
  /** The configuration file; relative paths in it are relative to its directory. */
  readonly file: string
  /** For `${env:…}` and `GATEHOUSE_KEYS`. */
  readonly env: Environment
  /** Default: from disk. */
  readonly readFile?: ReadFile
  /** Epoch milliseconds, to warn of what has ended; without it nothing has. */
  readonly now?: () => number
  /** To warn of an audit log and a state file that could not be opened; without it nobody looks. */
  readonly askWritable?: AskWritable
  /** To report keys that none of an issuer's tokens could be verified with; without it nobody looks. */
  readonly canVerify?: CanVerify
}

export type LoadResult =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly Problem[] }
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      /** Every file that was read or should have been: the ones whose change may mend it. */
      readonly files: readonly string[]
      /** SHA-256, hex, of those that could be read: what is refused, so that it is refused once. */
      readonly digests: ReadonlyMap<string, string>
    }

/** Digits of the version: enough to tell two configurations apart in a record. */
const VERSION_DIGITS = 12

/** Stands in for a `public_url` that is wrong, so that the servers can be checked all the same. */
const UNKNOWN_URL: PublicUrl = {
  href: 'https://unknown.invalid',
  scheme: 'https:',
  host: 'unknown.invalid',
  prefix: '',
}

/**
 * Reads and checks a configuration, with every file it refers to except what is made at run time. The
 * policies are read and not looked into. Never throws for what an operator wrote.
 */
export async function loadSettings(options: LoadOptions): Promise<LoadResult> {
  const file = resolve(options.file)
  const readFile = options.readFile ?? ((path: string) => readFromDisk(path))
  const source = await readTextFile(file, readFile)
  if (!source.ok) {
    const problem = { file, line: 1, column: 1, message: source.why }
    return { ok: false, problems: [problem], files: [file], digests: new Map() }
  }
  const document = readYaml(file, source.text)
  if (!document.ok) {
    const digests = new Map([[file, source.digest]])
    return { ok: false, problems: document.problems, files: [file], digests }
  }
  const { config, faults, residue } = complete(document.data)
  const reading = new Reading({ ...options, document, faults, residue, readFile })
  const settings = config === undefined ? undefined : await read(reading, config, file)
  const problems = inOrder(reading.problems)
  const files = [file, ...reading.files.keys()]
  const digests = new Map([[file, source.digest], ...definedIn(reading.files)])
  if (settings === undefined || problems.length > 0) return { ok: false, problems, files, digests }
  const version = versionOf(file, [{ file, text: source.text }, ...settings.policies])
  return {
    ok: true,
    settings: freeze({ ...settings, version, files, digests }),
    warnings: inOrder(reading.warnings),
  }
}

/** Every section, whatever the others hold; undefined when one cannot be read at all. */
async function read(
  reading: Reading,
  config: ConfigFile,
  file: string,
): Promise<Omit<Settings, 'version' | 'files' | 'digests'> | undefined> {
  const isSound = (section: keyof ConfigFile): boolean => reading.isSound([section])
  const publicUrl = isSound('public_url') ? readPublicUrl(reading, config.public_url) : undefined
  const context = { reading, config, publicUrl: publicUrl ?? UNKNOWN_URL }
  const listen = isSound('listen') ? await readListen(context) : undefined
  const ops = await readOps(reading, config)
  const telemetry = isSound('telemetry') ? await readTelemetry(reading, config) : undefined
  const rest = {
    trustedProxies: readTrustedProxies(reading, config),
    allowedOrigins: readAllowedOrigins(reading, config),
    keys: isSound('keys') ? await readKeys(reading, config) : [],
    transit: isSound('keys') ? await readTransit(reading, config) : undefined,
    authorizationServer: isSound('authorization_server')
      ? await readAuthorizationServer(context)
      : undefined,
    issuers: await readIssuers(reading, config),
    scopeIncludes: closeIncludes(config.scope_includes),
    limits: readLimits(reading, config),
    apiKeys: readApiKeys(reading, config),
    providers: await readProviders(context),
    notifications: await readNotifications(reading, config),
    servers: await readServers({
      ...context,
      decisionPoint: await readGeneralPoint(reading, config),
    }),
    policies: await readPolicies(reading, config),
    audit: await readAudit(reading, config),
    state: await readState(reading, config),
  }
  if (publicUrl === undefined || listen === undefined || telemetry === undefined) return undefined
  const { workers } = config
  return { file, publicUrl: publicUrl.href, workers, listen, ops, telemetry, ...rest }
}

/** Over names (as seen from the configuration file) and contents, so that it is the same everywhere. */
function versionOf(file: string, sources: readonly PolicySource[]): string {
  const hash = createHash('sha256')
  for (const source of sources) {
    const name = relative(dirname(file), source.file)
    hash.update(`${name}\0${Buffer.byteLength(source.text)}\0${source.text}`)
  }
  return hash.digest('hex').slice(0, VERSION_DIGITS)
}

/** Directories have no digest. */
function definedIn<Key, Value>(
  map: ReadonlyMap<Key, Value | undefined>,
): (readonly [Key, Value])[] {
  return [...map].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}
