/** What of a request head two readers could take differently is refused here as it is on the paths of servers (R-HTTP-1). */
import type { IncomingMessage } from 'node:http'

import { isUtf8 } from '../model/charset.ts'
import type { PageAnswer } from '../pages/page.ts'
import { oauthError } from './http.ts'

/** Headers that decide something, of which Node keeps the first or joins them all. */
const SINGLE: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'origin',
  'dpop',
])

/** The answer to a head that is not to be believed; undefined for all others. */
export function refuseHead(
  request: Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'>,
): PageAnswer | undefined {
  if (request.httpVersion !== '1.1') return oauthError(505, 'invalid_request', 'HTTP/1.1 required')
  const seen = new Set<string>()
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = (request.rawHeaders[at] ?? '').toLowerCase()
    if (!SINGLE.has(name)) continue
    if (seen.has(name)) return oauthError(400, 'invalid_request', `${name} sent twice`)
    seen.add(name)
    const value = (request.rawHeaders[at + 1] ?? '').toLowerCase()
    if (name === 'transfer-encoding' && value !== 'chunked') {
      return oauthError(400, 'invalid_request', 'Transfer-Encoding must be chunked alone')
    }
    if (name === 'content-encoding' && value !== 'identity') {
      return oauthError(415, 'invalid_request', 'Content-Encoding is not supported')
    }
    if (name === 'content-type' && !isUtf8(value)) {
      return oauthError(415, 'invalid_request', 'charset must be utf-8')
    }
  }
  return undefined
}
