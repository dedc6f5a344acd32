import type { TraceContext } from '../model/journey.ts'

// W3C Trace Context §3.2.2: version 00 is 55 characters, hexadecimal digits in lower case only.
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const NO_TRACE = '0'.repeat(32)
const NO_PARENT = '0'.repeat(16)

/** Longest `tracestate` that is read, in characters (W3C Trace Context §3.3.1.5 asks for 512 at least). */
export const MAX_TRACESTATE_CHARS = 512

/** Members a `tracestate` may have (W3C Trace Context §3.3.1.1). */
export const MAX_TRACESTATE_MEMBERS = 32

const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
// §3.3.1.4: printable ASCII without comma and equals sign, up to 256 characters, no space at the end.
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * The trace context a caller sent (W3C Trace Context, version 00), or undefined when there is none or
 * `traceparent` is malformed; a later version is taken for malformed. A malformed `tracestate` is left
 * out and takes nothing else with it (§4.3).
 */
export function parseTraceparent(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  if (traceparent === undefined) return undefined
  const match = TRACEPARENT.exec(traceparent)
  if (match === null) return undefined
  const [, traceId = NO_TRACE, parentId = NO_PARENT, flags = '00'] = match
  if (traceId === NO_TRACE || parentId === NO_PARENT) return undefined
  const sampled = (Number.parseInt(flags, 16) & 1) === 1
  return { traceId, parentId, sampled, state: parseTracestate(tracestate) }
}

/**
 * `traceparent` of version 00. Other flags than `sampled` are not passed on: they are not ours to set
 * (§3.2.2.5).
 */
export function formatTraceparent(span: {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string
  readonly sampled: boolean
}): string {
  return `00-${span.traceId}-${span.spanId}-${span.sampled ? '01' : '00'}`
}

function parseTracestate(tracestate: string | undefined): string | undefined {
  if (tracestate === undefined || tracestate.length > MAX_TRACESTATE_CHARS) return undefined
  const keys = new Set<string>()
  for (const part of tracestate.split(',')) {
    // §3.3.1.1: empty members and white space around members are allowed.
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (member === '') continue
    const equals = member.indexOf('=')
    const key = member.slice(0, equals)
    if (equals < 1 || !KEY.test(key) || !VALUE.test(member.slice(equals + 1))) return undefined
    if (keys.has(key)) return undefined
    keys.add(key)
  }
  return keys.size === 0 || keys.size > MAX_TRACESTATE_MEMBERS ? undefined : tracestate
}
