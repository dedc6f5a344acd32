import { hash } from 'node:crypto'

/** Longest text of a record that is kept whole, in characters: tool names and URIs are far shorter. */
export const MAX_TEXT_CHARS = 512

/** Longest arguments that are kept whole, in characters of JSON: a few times what most calls send. */
export const MAX_ARGUMENTS_CHARS = 4_096

// What a record may not hold as it is. JSON asks for quotes, backslashes and C0 controls (RFC 8259
// §7); terminals and log viewers also act on C1 controls (CSI is U+009B), line separators and
// direction overrides, and unpaired surrogates have no UTF-8 form.
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const ESCAPED = /["\\\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/
const NOT_IN_JSON = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/**
 * A JSON string after whatever stands before it: cut, in one line, and without anything a terminal
 * would act on. Equals `JSON.stringify(cut(text))` up to the escaping of characters JSON lets pass.
 *
 * @param before JSON up to and with the opening quote; one piece less to put together per text.
 * @param maxChars What is longer is cut; 512 when left out.
 */
export function quoted(before: string, text: string, maxChars = MAX_TEXT_CHARS): string {
  const kept = text.length > maxChars ? cut(text, maxChars) : text
  return ESCAPED.test(kept)
    ? before + escapeAll(JSON.stringify(kept)).slice(1)
    : `${before}${kept}"`
}

/**
 * A text of at most so many characters (512 when left out), or its beginning, its length and its SHA-256
 * (base64url).
 */
export function cut(text: string, maxChars = MAX_TEXT_CHARS): string {
  if (text.length <= maxChars) return text
  const last = text.charCodeAt(maxChars - 1)
  const end = last >= 0xd800 && last <= 0xdbff ? maxChars - 1 : maxChars
  return `${text.slice(0, end)}…(${text.length} chars, sha256 ${hash('sha256', text, 'base64url')})`
}

/** A value as JSON with every text in it written as by `quoted`. */
export function quoteAll(value: unknown): string {
  return escapeAll(
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'string' ? cut(inner) : inner,
    ),
  )
}

function escapeAll(json: string): string {
  return json.replace(
    NOT_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
