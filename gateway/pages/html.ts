/**
 * Text to HTML, escaped by default: a page is written with the `html` tag, and whatever is put into it
 * is text unless it is HTML made the same way.
 */

/** HTML that needs no more escaping. Only the `html` tag makes it. */
export class Html {
  readonly text: string

  /** @param text Already escaped. Use the `html` tag instead. */
  constructor(text: string) {
    this.text = text
  }
}

/** What may be put into a page. Nothing is written for undefined. */
export type Part = string | number | Html | undefined | readonly Part[]

/** Characters of a name or sentence that somebody else chose, as people are shown it. */
export const MAX_NAME_CHARS = 64

/** Writes HTML; strings put into it are escaped for text and for quoted attributes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0] ?? ''
  for (const [index, part] of parts.entries()) text += write(part) + (strings[index + 1] ?? '')
  return new Html(text)
}

/**
 * A name that somebody else chose, fit to be read: without control characters and direction overrides,
 * which could make it look like another one, blanks joined, and cut at `maxChars`.
 */
export function plainName(name: string, maxChars: number = MAX_NAME_CHARS): string {
  const visible = name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const chars = Array.from(visible)
  return chars.length > maxChars ? `${chars.slice(0, maxChars - 1).join('')}…` : visible
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function write(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'string' || typeof part === 'number') {
    return String(part).replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? '')
  }
  return part.map(write).join('')
}
