/** Section `decision_point`, of the whole configuration or of one server. */
import type { DecisionPoint } from '../model/decision-point.ts'
import type { Path } from '../model/problem.ts'
import type { ConfigFile } from './config-file.ts'
import type { DecisionPointFile, ServerFile } from './server-file.ts'
import type { Reading } from './reading.ts'
import { readSecret } from './secrets.ts'
import { isExposed } from './urls.ts'

/** Every call waits for it: what takes longer is an outage, and what is shorter is noise. */
const MIN_TIMEOUT_MS = 10
const MAX_TIMEOUT_MS = 10_000

/** A decision that is used again is one that nobody can take back meanwhile. */
const MAX_CACHE_MS = 5 * 60_000

/**
 * The decision point of a server: its own, else that of the configuration, unless it says `none`. That of
 * the configuration is one object, so that its bounds hold for all servers together.
 */
export async function readDecisionPoint(
  reading: Reading,
  { at, file }: { readonly at: Path; readonly file: ServerFile },
  general: DecisionPoint | undefined,
): Promise<DecisionPoint | undefined> {
  const own = file.decision_point
  if (own === 'none') return undefined
  return own === undefined ? general : await readPoint(reading, [...at, 'decision_point'], own)
}

/** The decision point of the configuration. */
export async function readGeneralPoint(
  reading: Reading,
  { decision_point: file }: ConfigFile,
): Promise<DecisionPoint | undefined> {
  if (file === undefined || !reading.isSound(['decision_point'])) return undefined
  return await readPoint(reading, ['decision_point'], file)
}

async function readPoint(
  reading: Reading,
  at: Path,
  file: DecisionPointFile,
): Promise<DecisionPoint | undefined> {
  const url = reading.url([...at, 'url'], file.url)
  const token =
    file.token === undefined ? undefined : await readSecret(reading, [...at, 'token'], file.token)
  const timeoutMs = reading.duration([...at, 'timeout'], file.timeout)
  if (timeoutMs < MIN_TIMEOUT_MS || timeoutMs > MAX_TIMEOUT_MS) {
    reading.report([...at, 'timeout'], 'must be between 10ms and 10s')
  }
  const cacheMs = file.cache === undefined ? 0 : reading.duration([...at, 'cache'], file.cache)
  if (cacheMs > MAX_CACHE_MS) reading.report([...at, 'cache'], 'must be at most 5m')
  if (url === undefined) return undefined
  if (isExposed(url)) {
    reading.report([...at, 'url'], 'whoever is on the way could allow everything; use https://')
  }
  return {
    url: url.href,
    token,
    mode: file.mode,
    timeoutMs,
    maxConcurrent: file.max_concurrent,
    cacheMs,
    sendsArguments: file.arguments,
  }
}
