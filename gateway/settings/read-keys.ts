/** Section `keys`: the ring of `keys.file`, else that of the environment. */
import type { Path } from '../model/problem.ts'
import type { RingKey } from '../model/ring-key.ts'
import type { ConfigFile } from './config-file.ts'
import { parseKeyRing } from './key-ring.ts'
import type { Reading } from './reading.ts'
import { isLoopback } from '../model/loopback.ts'

/** Where the ring is read from when the file names none. */
const KEYS_VARIABLE = 'GATEHOUSE_KEYS'

/** The ring; empty when there is none, which only a gateway on loopback may start with. */
export async function readKeys(reading: Reading, config: ConfigFile): Promise<readonly RingKey[]> {
  const at: Path = config.keys === undefined ? ['keys'] : ['keys', 'file']
  const source = config.keys === undefined ? KEYS_VARIABLE : reading.absolute(config.keys.file)
  const text =
    config.keys === undefined
      ? (reading.env[KEYS_VARIABLE] ?? '')
      : await reading.readText(at, config.keys.file)
  if (text === undefined) return []
  const { keys, problems } = parseKeyRing(text)
  for (const { line, message } of problems) {
    reading.report(
      at,
      config.keys === undefined ? `${source}: ${message}` : `${source}:${line}: ${message}`,
    )
  }
  if (keys.length === 0 && problems.length === 0) reportNone(reading, config)
  return keys
}

/** A gateway others can reach holds their handles, sealed with this ring; one on loopback needs none yet. */
function reportNone(reading: Reading, { keys, listen }: ConfigFile): void {
  const advice = `"gatehouse keys new" prints one for ${KEYS_VARIABLE} or keys.file`
  if (keys !== undefined) reading.report(['keys', 'file'], `holds no key; ${advice}`)
  else if (!isLoopback(listen.host)) {
    reading.report(['listen', 'host'], `${listen.host} is not loopback and needs a key; ${advice}`)
  }
}
