/** Section `notifications`: webhooks that are told of decisions. */
import type { Notification } from '../model/notification.ts'
import type { Path } from '../model/problem.ts'
import { Secret } from '../model/secret.ts'
import type { ConfigFile, NotificationFile } from './config-file.ts'
import type { Reading } from './reading.ts'
import { hasReference, readHeaders, readSecret } from './secrets.ts'
import { isExposed } from './urls.ts'

/** Nobody waits for it, but a slow one holds a place that others could have. */
const MIN_TIMEOUT_MS = 100
const MAX_TIMEOUT_MS = 30_000

/** All that can be read, by name. */
export async function readNotifications(
  reading: Reading,
  { notifications }: ConfigFile,
): Promise<ReadonlyMap<string, Notification>> {
  const found = new Map<string, Notification>()
  for (const [name, file] of Object.entries(notifications)) {
    const at: Path = ['notifications', name]
    if (!reading.isSound(at)) continue
    const url = await readAddress(reading, [...at, 'url'], file)
    const headers = await readHeaders(reading, [...at, 'headers'], file.headers)
    const timeoutMs = reading.duration([...at, 'timeout'], file.timeout)
    if (timeoutMs < MIN_TIMEOUT_MS || timeoutMs > MAX_TIMEOUT_MS) {
      reading.report([...at, 'timeout'], 'must be between 100ms and 30s')
    }
    if (url !== undefined) found.set(name, { name, url, headers, timeoutMs })
  }
  return found
}

async function readAddress(
  reading: Reading,
  at: Path,
  { url: text }: NotificationFile,
): Promise<Secret | undefined> {
  const secret = hasReference(text) ? await readSecret(reading, at, text) : new Secret(text)
  const url = secret && reading.url(at, secret.reveal())
  if (url === undefined) return undefined
  if (isExposed(url)) {
    reading.report(at, 'whoever is on the way could read who calls what; use https://')
  }
  return new Secret(url.href)
}
