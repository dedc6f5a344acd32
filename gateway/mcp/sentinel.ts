/** The encoding of `Mcp-Name` and `Mcp-Param-*` (2026-07-28 transports, "Header values"). */
import { isUtf8 } from 'node:buffer'

const PREFIX = '=?base64?'
const SUFFIX = '?='

/** Visible ASCII with spaces inside; what else may stand plain is encoded, which all readers take alike. */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

const TAB = 0x09
const SPACE = 0x20
const TILDE = 0x7e

/**
 * What a mirrored header says: the value itself, or what its exact sentinel `=?base64?…?=` holds.
 * Anything that only resembles the sentinel is literal. Undefined when a sentinel is not canonical
 * standard Base64 of UTF-8 (no missing padding, no stray bits: one text has one encoding), or when a
 * plain value has characters that must be encoded.
 */
export function decodeMirrored(value: string): string | undefined {
  const wrapped =
    value.length >= PREFIX.length + SUFFIX.length &&
    value.startsWith(PREFIX) &&
    value.endsWith(SUFFIX)
  return wrapped ? decodeCanonical(value.slice(PREFIX.length, -SUFFIX.length)) : plain(value)
}

/** The header value that says this: itself where it can stand in a header, else in a sentinel. */
export function encodeMirrored(text: string): string {
  const stands = PLAIN.test(text) && !(text.startsWith(PREFIX) && text.endsWith(SUFFIX))
  return stands ? text : `${PREFIX}${Buffer.from(text, 'utf8').toString('base64')}${SUFFIX}`
}

function decodeCanonical(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text && isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

function plain(value: string): string | undefined {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i)
    if ((code < SPACE && code !== TAB) || code > TILDE) return undefined
  }
  return value
}
