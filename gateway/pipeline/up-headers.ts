/**
 * Headers towards a server: an allowlist built from nothing (R-HTTP-3). What is not named here does
 * not travel: no cookies, no forwarding headers, no credential of the caller's. Headers that mirror the
 * body travel only where they have been compared with it, or belong to a name that has been.
 */
import { mirrorsName } from '../mcp/agreement.ts'
import type { Call } from '../model/call.ts'
import type { Head } from './admit.ts'

const ACCEPT_BOTH = 'application/json, text/event-stream'

/** Longer `baggage` is not passed on, in characters: nobody has to (W3C Baggage §3.3.2). */
const MAX_BAGGAGE_CHARS = 8_192

/** What it may be made of; members are not looked at (W3C Baggage §3.3.1). */
const BAGGAGE = /^[\t\x20-\x7e]+$/

export type UpHeaders = {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly call: Pick<Call, 'era' | 'kind' | 'method'>
  readonly head: Head
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  readonly credential: readonly string[]
}

/** Flat name, value, name, value. Host, Connection and Content-Length are the connection's own. */
export function upHeaders(options: UpHeaders): string[] {
  const { method, call, head } = options
  const headers = ['accept', method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH]
  if (method === 'POST') headers.push('content-type', 'application/json')
  if (head.protocolVersion !== undefined) headers.push('mcp-protocol-version', head.protocolVersion)
  if (call.era === 'modern') pushMirrored(headers, call, head)
  else {
    if (head.sessionId !== undefined) headers.push('mcp-session-id', head.sessionId)
    // Only opening a stream can resume one.
    if (method === 'GET' && head.lastEventId !== undefined) {
      headers.push('last-event-id', head.lastEventId)
    }
  }
  if (options.traceparent !== undefined) {
    headers.push('traceparent', options.traceparent)
    if (options.tracestate !== undefined) headers.push('tracestate', options.tracestate)
  }
  const { baggage = '' } = head
  if (baggage.length <= MAX_BAGGAGE_CHARS && BAGGAGE.test(baggage)) headers.push('baggage', baggage)
  for (const part of options.credential) headers.push(part)
  return headers
}

function pushMirrored(headers: string[], call: UpHeaders['call'], head: Head): void {
  if (head.method !== undefined) headers.push('mcp-method', head.method)
  if (!mirrorsName(call)) return
  if (head.name !== undefined) headers.push('mcp-name', head.name)
  for (const part of head.params) headers.push(part)
}
