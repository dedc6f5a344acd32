/** The arguments of a call as its record holds them: without what a rule says must not be written down. */
import type { Call } from '../model/call.ts'
import { parseForeign } from '../model/json-names.ts'
import type { Obligations } from '../model/terms.ts'

/** Stands in the place of what was redacted. */
export const REDACTED = '[redacted]'

/**
 * Returns the arguments as JSON: as they were sent where nothing is redacted. Undefined for a call without.
 * A list on the way of a path is gone through, entry by entry; where something else than a mapping stands
 * in its way, that is replaced, since it may be the same in another form.
 */
export function recordedArguments(
  { arguments: span }: Pick<Call, 'arguments'>,
  frame: Uint8Array | undefined,
  { redact }: Pick<Obligations, 'redact'>,
): string | undefined {
  if (span === undefined || frame === undefined) return undefined
  const bytes = span.end - span.start
  const text = Buffer.from(frame.buffer, frame.byteOffset + span.start, bytes).toString('utf8')
  if (redact.length === 0) return text
  // The strict scanner has passed the frame: this is JSON, no deeper than it lets pass, no member twice.
  let value = parseForeign(text)
  for (const path of redact) value = without(value, path)
  return JSON.stringify(value)
}

/** The value with what the path names replaced, in place. A name may hold dots: every way to read it counts. */
function without(value: unknown, path: readonly string[]): unknown {
  if (path.length === 0 || typeof value !== 'object' || value === null) return REDACTED
  if (Array.isArray(value)) return value.map((entry: unknown) => without(entry, path))
  for (let names = 1; names <= path.length; names += 1) {
    const name = path.slice(0, names).join('.')
    const member = Object.getOwnPropertyDescriptor(value, name)
    if (member === undefined) continue
    const replaced = without(member.value, path.slice(names))
    // Not assigned: a member may be called __proto__.
    Object.defineProperty(value, name, { ...member, value: replaced })
  }
  return value
}
