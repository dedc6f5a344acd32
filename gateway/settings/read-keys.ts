/** Section `keys`: the ring of `keys.file`, else that of the environment, and a key service. */
import type { Path } from '../model/problem.ts'
import type { RingKey } from '../model/ring-key.ts'
import type { TransitKey } from '../model/transit-key.ts'
import type { ConfigFile } from './config-file.ts'
import { parseKeyRing } from './key-ring.ts'
import type { Reading } from './reading.ts'
import { isLoopback } from '../model/loopback.ts'
import { readCertificate } from './read-pem.ts'
import { readSecret } from './secrets.ts'
import { isExposed } from './urls.ts'

/** Where the ring is read from when the file names none. */
const KEYS_VARIABLE = 'GATEHOUSE_KEYS'

/** The ring; empty when there is none, which only a gateway on loopback may start with. */
export async function readKeys(reading: Reading, config: ConfigFile): Promise<readonly RingKey[]> {
  const file = config.keys?.file
  const at: Path = file === undefined ? ['keys'] : ['keys', 'file']
  const source = file === undefined ? KEYS_VARIABLE : reading.absolute(file)
  const text =
    file === undefined ? (reading.env[KEYS_VARIABLE] ?? '') : await reading.readText(at, file)
  if (text === undefined) return []
  const { keys, problems } = parseKeyRing(text)
  for (const { line, message } of problems) {
    reading.report(
      at,
      file === undefined ? `${source}: ${message}` : `${source}:${line}: ${message}`,
    )
  }
  if (keys.length === 0 && problems.length === 0) reportNone(reading, config)
  return keys
}

/** An open key must end some time, or taking the service away would end nothing. */
const MAX_CACHE_MS = 60 * 60_000

/** The key service; undefined where none is written, or something about it is reported. */
export async function readTransit(
  reading: Reading,
  { keys }: ConfigFile,
): Promise<TransitKey | undefined> {
  const written = keys?.transit
  if (written === undefined) return undefined
  const at: Path = ['keys', 'transit']
  const url = reading.url([...at, 'url'], written.url)
  if (url !== undefined && isExposed(url)) {
    reading.report([...at, 'url'], 'keys would travel unencrypted; use https://')
  }
  const token = await readSecret(reading, [...at, 'token'], written.token)
  const ca = await readCertificate(reading, [...at, 'ca'], written.ca)
  const cacheMs = reading.duration([...at, 'cache'], written.cache)
  if (cacheMs > MAX_CACHE_MS) reading.report([...at, 'cache'], 'must be at most 1h')
  if (url === undefined || token === undefined) return undefined
  const { key: name, mount, namespace, derived, retiring } = written
  const base = url.href.replace(/\/$/, '')
  return { url: base, mount, name, token, namespace, derived, ca, cacheMs, retiring }
}

/** A gateway others can reach holds their handles, sealed with this ring; one on loopback needs none yet. */
function reportNone(reading: Reading, { keys, listen }: ConfigFile): void {
  const advice = `"gatehouse keys new" prints one for ${KEYS_VARIABLE} or keys.file`
  if (keys?.file !== undefined) reading.report(['keys', 'file'], `holds no key; ${advice}`)
  else if (!isLoopback(listen.host)) {
    reading.report(['listen', 'host'], `${listen.host} is not loopback and needs a key; ${advice}`)
  }
}
