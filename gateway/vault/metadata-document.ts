/** Metadata that a server or an authorization server publishes of itself: fetched, and read with distrust. */
import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import { isLoopback } from '../model/loopback.ts'

/** Why nobody can connect to a server. The message is for operators: it names addresses, and no secret. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
}

export type Members = Readonly<Record<string, unknown>>

export type Document =
  | { readonly ok: true; readonly members: Members }
  /** `why` names the URL. */
  | { readonly ok: false; readonly why: string }

/** Words of a stranger that an error repeats, in characters. */
const MAX_QUOTED = 200

/** The JSON object at a URL. Never rejects. */
export async function readDocument(url: string, fetch: OAuthFetch): Promise<Document> {
  try {
    const headers = { accept: 'application/json' }
    const response = await fetch(url, { method: 'GET', headers })
    if (response.status !== 200) return { ok: false, why: `${url}: status ${response.status}` }
    const members: unknown = await response.json().catch(() => undefined)
    if (!isMembers(members)) return { ok: false, why: `${url}: not a JSON object` }
    return { ok: true, members }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : `${url}: cannot be had` }
  }
}

/** A text; undefined for anything else. */
export function textIn(members: Members, name: string): string | undefined {
  const value = members[name]
  return typeof value === 'string' ? value : undefined
}

/** The texts of a list; undefined where there is no list. */
export function textsIn(members: Members, name: string): readonly string[] | undefined {
  const value: unknown = members[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined
}

/**
 * The URL of an endpoint; undefined for one that nobody should be sent to.
 *
 * @param isLocal Whether plain http on this machine will do.
 */
export function endpointIn(members: Members, name: string, isLocal: boolean): string | undefined {
  const text = textIn(members, name)
  const url = text === undefined ? null : URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '')
    return undefined
  const isPlain = url.protocol === 'http:' && isLocal && isLoopback(url.hostname)
  return url.protocol === 'https:' || isPlain ? url.href : undefined
}

/** Words of a stranger as an error may repeat them. */
export function quoted(text: string): string {
  return `"${text.slice(0, MAX_QUOTED).replaceAll(/[^\x20-\x7e]|"/g, '?')}"`
}

/** Whether JSON has an object here. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
