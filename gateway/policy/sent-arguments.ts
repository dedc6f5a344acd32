/** The arguments of a call as expressions see them: parsed once a rule reads them, and bounded. */
import type { Call } from '../model/call.ts'
import { unescapeNames } from '../model/json-names.ts'

/** Most bytes of arguments that an expression looks at; what is larger is an error. */
export const MAX_ARGUMENT_BYTES = 262_144

/** The same for an expression that runs regular expressions over them, at some 0.25 µs a byte each. */
export const MAX_MATCHED_BYTES = 32_768

/** Most entries of any list or map in arguments that an expression goes through. */
export const MAX_LIST_LENGTH = 1_000

export type SentArguments = {
  readonly value: unknown
  readonly bytes: number
  /** The longest list or map in it. */
  readonly longest: number
  /** Whether everybody reads its numbers alike. */
  readonly exact: boolean
}

const NONE: SentArguments = { value: {}, bytes: 0, longest: 0, exact: true }

/**
 * Parses the arguments of a call; a call without any has none. Undefined when they cannot be looked at: they
 * are too large, or have a name that cannot be written without an escape.
 */
export function readArguments(
  { arguments: span }: Pick<Call, 'arguments'>,
  frame: Uint8Array | undefined,
): SentArguments | undefined {
  if (span === undefined || frame === undefined) return NONE
  const bytes = span.end - span.start
  if (bytes > MAX_ARGUMENT_BYTES) return undefined
  const sent = Buffer.from(frame.buffer, frame.byteOffset + span.start, bytes).toString('utf8')
  // The strict scanner has passed the frame: this is JSON, and no member comes twice.
  const text = unescapeNames(sent)
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  if (value === null) return NONE
  const measured = { longest: 0, exact: true }
  measure(value, measured)
  return { value, bytes, ...measured }
}

/** Integers beyond 2^53 and numbers out of range are one number here and another one to the server. */
function measure(value: unknown, into: { longest: number; exact: boolean }): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      into.exact = false
    }
  } else if (typeof value === 'object' && value !== null) {
    const entries: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
    into.longest = Math.max(into.longest, entries.length)
    for (const entry of entries) measure(entry, into)
  }
}
