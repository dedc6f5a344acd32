/**
 * Step 1a: the HTTP around a request, before anything is believed about it (R-HTTP-1, -2, -4). Walks
 * the raw headers once and picks what the pipeline needs; a header that may occur once and occurs
 * twice is refused, since the next reader might take the other one.
 */
import { Refusal } from '../model/refusal.ts'
import type { Visit } from './visit.ts'

/** Headers in one request (R-HTTP-7). */
export const MAX_HEADERS = 100

/** A request target longer than this is refused (R-HTTP-7). */
const MAX_TARGET_CHARS = 8_192

/** `Mcp-Param-*` headers passed on together, in characters. */
const MAX_PARAM_CHARS = 8_192

/** What the pipeline reads from the request head; values without outer whitespace. */
export type Head = {
  host: string | undefined
  authorization: string | undefined
  apiKey: string | undefined
  dpop: string | undefined
  origin: string | undefined
  contentType: string | undefined
  contentEncoding: string | undefined
  contentLength: string | undefined
  transferEncoding: string | undefined
  protocolVersion: string | undefined
  /** `Mcp-Method` */
  method: string | undefined
  /** `Mcp-Name` */
  name: string | undefined
  sessionId: string | undefined
  lastEventId: string | undefined
  traceparent: string | undefined
  tracestate: string | undefined
  /** W3C Baggage; passed on, and believed by nobody here. */
  baggage: string | undefined
  forwardedFor: string | undefined
  /** `Mcp-Param-*` as received, flat. */
  readonly params: string[]
}

type Single = Exclude<keyof Head, 'params'>

/** Headers that are read, and but for one may stand there once. */
const SINGLE: ReadonlyMap<string, Single> = new Map<string, Single>([
  ['host', 'host'],
  ['authorization', 'authorization'],
  ['x-api-key', 'apiKey'],
  ['dpop', 'dpop'],
  ['origin', 'origin'],
  ['content-type', 'contentType'],
  ['content-encoding', 'contentEncoding'],
  ['content-length', 'contentLength'],
  ['transfer-encoding', 'transferEncoding'],
  ['mcp-protocol-version', 'protocolVersion'],
  ['mcp-method', 'method'],
  ['mcp-name', 'name'],
  ['mcp-session-id', 'sessionId'],
  ['last-event-id', 'lastEventId'],
  ['traceparent', 'traceparent'],
  ['tracestate', 'tracestate'],
  ['baggage', 'baggage'],
  ['x-forwarded-for', 'forwardedFor'],
])

/** @throws {Refusal} `http_version`, `head_too_large`, `bad_header`. */
export function admit(visit: Visit): Head {
  if (visit.httpVersion !== '1.1') throw new Refusal('http_version')
  const head = emptyHead()
  const raw = visit.rawHeaders
  if (raw.length > 2 * MAX_HEADERS) throw new Refusal('head_too_large')
  let paramChars = 0
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const value = raw[at + 1] ?? ''
    const field = SINGLE.get(name)
    if (field !== undefined) {
      const earlier = head[field]
      // Baggage alone may stand there in parts (W3C Baggage §3.3).
      if (earlier !== undefined && field !== 'baggage') throw twice(name)
      head[field] = earlier === undefined ? value : `${earlier},${value}`
    } else if (name.startsWith('mcp-param-')) {
      if (includesName(head.params, name)) throw twice(name)
      paramChars += value.length
      if (paramChars > MAX_PARAM_CHARS)
        throw new Refusal('bad_header', { detail: 'Mcp-Param-* too long' })
      head.params.push(name, value)
    }
  }
  const coding = head.transferEncoding
  if (
    coding !== undefined &&
    (coding.toLowerCase() !== 'chunked' || head.contentLength !== undefined)
  ) {
    throw new Refusal('bad_header', { detail: 'Transfer-Encoding must be chunked alone' })
  }
  return head
}

/**
 * The path of an origin-form target, without its query, exactly as received.
 * @throws {Refusal} `bad_target` for anything that two readers could resolve differently.
 */
export function pathOf(target: string): string {
  if (target.length > MAX_TARGET_CHARS || target[0] !== '/') throw new Refusal('bad_target')
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    const odd = code <= 0x20 || code >= 0x7f || code === 0x5c || code === 0x3b || code === 0x23
    // A percent sign is refused whole: no configured path holds one, and `%2e` or `%2f` could be read twice.
    if (odd || code === 0x25) throw new Refusal('bad_target')
  }
  const dotted =
    path.includes('/./') || path.includes('/../') || path.endsWith('/.') || path.endsWith('/..')
  if (dotted || path.includes('//')) throw new Refusal('bad_target')
  return path
}

function twice(name: string): Refusal {
  return new Refusal('bad_header', { detail: `${name} sent twice` })
}

function includesName(flat: readonly string[], name: string): boolean {
  for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) return true
  return false
}

/** A head in which nothing was sent. */
export function emptyHead(): Head {
  return {
    host: undefined,
    authorization: undefined,
    apiKey: undefined,
    dpop: undefined,
    origin: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    contentLength: undefined,
    transferEncoding: undefined,
    protocolVersion: undefined,
    method: undefined,
    name: undefined,
    sessionId: undefined,
    lastEventId: undefined,
    traceparent: undefined,
    tracestate: undefined,
    baggage: undefined,
    forwardedFor: undefined,
    params: [],
  }
}
