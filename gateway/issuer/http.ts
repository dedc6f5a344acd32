/** Requests and answers of the authorization server, as far as they are ours and not `oidc-provider`'s. */
import { IncomingMessage } from 'node:http'
import type { ServerResponse } from 'node:http'

import { Pieces } from '../model/pieces.ts'
import type { PageAnswer } from '../pages/page.ts'

/** Largest body read, in bytes: a registration with keys has a few KiB. */
export const MAX_BODY_BYTES = 32_768

/** The whole body; undefined when there is more than `MAX_BODY_BYTES`. Rejects when it breaks off. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined
  const pieces = new Pieces()
  let size = 0
  for await (const chunk of request) {
    const bytes: Uint8Array = chunk
    size += bytes.length
    if (size > MAX_BODY_BYTES) return undefined
    pieces.add(bytes)
  }
  return Buffer.from(pieces.takeWhole()).toString('utf8')
}

/** The same request with another body, for whoever reads it next. */
export function withBody(request: IncomingMessage, body: string): IncomingMessage {
  const copy = new IncomingMessage(request.socket)
  copy.method = request.method
  copy.url = request.url
  copy.httpVersion = request.httpVersion
  copy.httpVersionMajor = request.httpVersionMajor
  copy.httpVersionMinor = request.httpVersionMinor
  copy.headers = { ...request.headers, 'content-length': String(Buffer.byteLength(body)) }
  delete copy.headers['transfer-encoding']
  // Or its end would be taken for a connection that broke off, and the socket be closed.
  copy.complete = true
  copy.push(body)
  copy.push(null)
  return copy
}

/** One header of a request; the first where it came several times. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Writes an answer of ours. */
export function send(response: ServerResponse, answer: PageAnswer): void {
  const { status, headers, body } = answer
  for (let at = 0; at + 1 < headers.length; at += 2) {
    response.appendHeader(headers[at] ?? '', headers[at + 1] ?? '')
  }
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body)
}

/** An OAuth error as JSON (RFC 6749 §5.2). */
export function oauthError(
  status: number,
  error: string,
  description: string,
  headers: readonly string[] = [],
): PageAnswer {
  return {
    status,
    headers: ['content-type', 'application/json', 'cache-control', 'no-store', ...headers],
    body: JSON.stringify({ error, error_description: description }),
  }
}
