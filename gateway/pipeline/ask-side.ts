/**
 * Step 8 for a part of a server that is not MCP: the same path below another prefix, and of the caller's
 * headers those that its operator named.
 */
import { Refusal } from '../model/refusal.ts'
import type { SideRoute } from '../model/server.ts'
import type { SideRequest } from '../upstream/side-doors.ts'
import type { Desk } from './desk.ts'
import { splitTarget } from './side-frame.ts'
import type { Seated } from './visit.ts'

/** What a request is made of; its target has been found plain, and its credential is with the visit. */
export type SideAsked = {
  readonly route: SideRoute
  readonly seat: Pick<Seated, 'httpMethod' | 'target' | 'rawHeaders' | 'journey' | 'injected'>
  readonly body: Uint8Array | undefined
}

/** @throws {Refusal} `bad_header` for a named header that was sent twice. */
export function askSide(
  { route, seat, body }: SideAsked,
  desk: Pick<Desk, 'formatTrace'>,
): SideRequest {
  const headers = headersUp(route, seat.rawHeaders)
  // What cannot be read cannot be searched for the credential.
  headers['accept-encoding'] = 'identity'
  const traceparent = desk.formatTrace(seat.journey)
  if (traceparent !== undefined) headers['traceparent'] = traceparent
  const [name, value] = seat.injected ?? []
  if (name !== undefined && value !== undefined) headers[name.toLowerCase()] = value
  return { method: seat.httpMethod, path: pathUp(route, seat.target), headers, body }
}

function pathUp({ path: prefix, upstreamPath }: SideRoute, target: string): string {
  const { path, query } = splitTarget(target)
  const up = upstreamPath + path.slice(prefix.length)
  return (up === '' ? '/' : up) + (query === '' ? '' : `?${query}`)
}

function headersUp(
  { requestHeaders }: SideRoute,
  rawHeaders: readonly string[],
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (!requestHeaders.has(name)) continue
    if (headers[name] !== undefined) {
      throw new Refusal('bad_header', { detail: `${name} sent twice` })
    }
    headers[name] = rawHeaders[at + 1] ?? ''
  }
  return headers
}
