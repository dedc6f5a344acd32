/** Section `api_keys`. The keys themselves are nowhere here, only their hashes. */
import type { Path } from '../model/problem.ts'
import { closeIncludes, withIncluded } from '../model/scope-includes.ts'
import type { ConfigFile } from './config-file.ts'
import type { ApiKeyFile } from './issuer-file.ts'
import { nearest } from './nearest.ts'
import type { Reading } from './reading.ts'
import type { ApiKeySettings } from './settings.ts'

/** The API keys the schema has accepted; what else is wrong with them is reported. */
export function readApiKeys(reading: Reading, config: ConfigFile): readonly ApiKeySettings[] {
  const includes = closeIncludes(config.scope_includes)
  const keys: ApiKeySettings[] = []
  for (const [index, file] of config.api_keys.entries()) {
    const at: Path = ['api_keys', index]
    if (!reading.isSound(at)) continue
    if (keys.some(({ prefix }) => prefix === file.prefix)) {
      reading.report([...at, 'prefix'], `"${file.prefix}" is already used above`)
    }
    // The hash of nothing random: what an example holds until somebody fills it in.
    if (new Set(file.sha256).size < MIN_DISTINCT_DIGITS) {
      const advice = '"gatehouse apikeys new" prints a real one'
      reading.report([...at, 'sha256'], `is a placeholder; ${advice}`)
    }
    reportUnknownServers(reading, [...at, 'servers'], { file, config })
    const key = readApiKey(reading, at, file)
    keys.push({ ...key, scopes: [...withIncluded(new Set(key.scopes), includes)] })
  }
  return keys
}

/** A real hash of 64 hex digits has about 15.7 different ones; fewer than 8 has odds below 1 in 10^14. */
const MIN_DISTINCT_DIGITS = 8

function readApiKey(reading: Reading, at: Path, file: ApiKeyFile): ApiKeySettings {
  return {
    prefix: file.prefix,
    sha256: file.sha256,
    tenant: file.tenant,
    subject: file.subject,
    client: file.client,
    owner: file.owner,
    kind: file.kind,
    scopes: file.scopes,
    groups: file.groups,
    servers: file.servers,
    expiresAtSeconds: readExpiry(reading, [...at, 'expires'], file.expires),
  }
}

/** Seconds since the epoch; undefined when it never ends. */
function readExpiry(reading: Reading, path: Path, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  // The parser rolls 30 February over into March; the date without its offset must read the same.
  const day = text.slice(0, 'yyyy-mm-dd'.length)
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(ms) || !new Date(midnight).toISOString().startsWith(day)) {
    reading.report(path, 'no such date')
    return undefined
  }
  if (ms <= reading.nowMs) reading.warn(path, 'the key has expired: remove it, or make a new one')
  return Math.floor(ms / 1000)
}

/** Only while all servers could be read: a broken one is reported, and is not unknown besides. */
function reportUnknownServers(
  reading: Reading,
  path: Path,
  { file, config }: { readonly file: ApiKeyFile; readonly config: ConfigFile },
): void {
  if (!reading.isWhole(['servers'])) return
  const known = Object.keys(config.servers)
  for (const [index, server] of (file.servers ?? []).entries()) {
    if (known.includes(server)) continue
    const close = nearest(server, known)
    const advice = close === undefined ? `known: ${known.join(', ')}` : `did you mean "${close}"?`
    reading.report([...path, index], `unknown server "${server}"; ${advice}`)
  }
}
