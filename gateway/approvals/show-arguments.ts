/**
 * Arguments for people to read: set out in lines where that changes nothing, and as they were sent, but for
 * the blanks between, where it would.
 *
 * @param text The JSON that was sent; empty where there was none.
 */
export function showArguments(text: string): string {
  if (text === '') return ''
  const value: unknown = JSON.parse(text)
  // A number with more digits than a double holds, say, would read as another one.
  const sent = text.replaceAll(BLANKS, (part) => (part.startsWith('"') ? part : ''))
  const shown = JSON.stringify(value) === sent ? JSON.stringify(value, undefined, 2) : sent
  return shown.replaceAll(HIDDEN, escapeHidden)
}

/** Texts, and the blanks between them (RFC 8259 §2): pages of those could hide what comes after. */
const BLANKS = /"(?:[^"\\]|\\.)*"|[ \t\n\r]+/g

/** Characters that cannot be seen, or change how others are read (direction overrides). */
const HIDDEN = /[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u0080-\u009f]/gu

function escapeHidden(char: string): string {
  return Array.from({ length: char.length }, (_, at) => char.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
}
