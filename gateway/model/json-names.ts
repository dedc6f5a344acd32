/**
 * Names of members in JSON that somebody else wrote. Of a name with an escape V8 can make another one, which
 * stood in a text before: after `{"x":1,"\\u00":1,"z":1}` it reads `{"x":1,"\u0070ath":2,"z":1}` as a member
 * called `\u00` (https://github.com/nodejs/node/issues/63785). Whoever may write both decides what is read.
 */

/** White space of JSON (RFC 8259 §2) is this and less; between its tokens nothing else of it can stand. */
const SPACE = 0x20
const COLON = 0x3a
const BACKSLASH = 0x5c

/**
 * Returns the same JSON with every name written without an escape, so that `JSON.parse` reads each as it is;
 * undefined when a name cannot be: one with a quote, a backslash, a control character or half a character.
 *
 * @param text Valid JSON.
 */
export function unescapeNames(text: string): string | undefined {
  const { plain, isPlain } = withPlainNames(text)
  return isPlain ? plain : undefined
}

/**
 * What JSON says, with every name that can be written without an escape as it is: none of them can be taken
 * for another one. One that needs an escape may be taken for another that does.
 *
 * @param text Valid JSON.
 */
export function parseForeign(text: string): unknown {
  return JSON.parse(withPlainNames(text).plain)
}

function withPlainNames(text: string): { readonly plain: string; readonly isPlain: boolean } {
  if (!text.includes('\\')) return { plain: text, isPlain: true }
  let plain = ''
  let copied = 0
  let isPlain = true
  eachName(text, (start, end) => {
    const written = text.slice(start, end)
    if (!written.includes('\\')) return
    const name = JSON.stringify(JSON.parse(written))
    isPlain &&= !name.includes('\\')
    plain += text.slice(copied, start) + name
    copied = end
  })
  return { plain: plain + text.slice(copied), isPlain }
}

/**
 * Calls `visit` with where each name begins and ends, quotes included, at any depth and in order.
 *
 * @param text Valid JSON.
 */
export function eachName(text: string, visit: (start: number, end: number) => void): void {
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOf(text, start)
    let next = end
    while (text.charCodeAt(next) <= SPACE) next += 1
    if (text.charCodeAt(next) === COLON) visit(start, end)
    start = text.indexOf('"', next)
  }
}

/** Behind the string that begins there: it ends at a quote after an even number of backslashes. */
function endOf(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at + 1
  }
}
