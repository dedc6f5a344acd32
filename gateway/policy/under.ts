/**
 * `under(path, root)` of expressions: whether a path names something in a directory, or the directory itself.
 * It answers only for paths that every reader resolves alike. For anything else (dot segments, backslashes,
 * escapes that change the answer, look-alikes, control characters) it throws, which keeps an allow rule from
 * matching and makes a deny rule match.
 */

/** Times a path is unescaped: what is still escaped then was made to be misread. */
const MAX_ESCAPES = 3

/** Longest path that is looked at, in UTF-16 units; operating systems and canonical URIs end at 4 KiB. */
const MAX_PATH_LENGTH = 4096

/** Control and format characters, among them NUL, zero-width and bidirectional ones, and lone surrogates. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * @param path A path or a URI. Both must be absolute, or both relative; of a URI the scheme and the host
 *   must be those of `root`.
 * @throws {Error} for a path or a root that is not in the one form everybody reads alike.
 */
export function isUnder(path: string, root: string): boolean {
  const [base] = formsOf(root)
  if (base === undefined) throw new Error('a root must not be empty')
  const answers = formsOf(path).map((form) => isWithin(form, base))
  const [first = false] = answers
  if (answers.some((answer) => answer !== first)) throw new Error('the path hides where it leads')
  return first
}

type Form = {
  readonly place: string
  readonly isAbsolute: boolean
  readonly segments: readonly string[]
}

/** The path as written, and as every reader sees it that unescapes it once or more. None for no path at all. */
function formsOf(path: string): readonly Form[] {
  if (path === '') return []
  const forms: Form[] = []
  let text = path
  for (let round = 0; ; round += 1) {
    forms.push(formOf(text))
    const next = unescaped(text)
    if (next === text) return forms
    if (round === MAX_ESCAPES) throw new Error('the path is escaped too often')
    text = next
  }
}

function formOf(text: string): Form {
  if (text.length > MAX_PATH_LENGTH) throw new Error('the path is too long')
  if (text.includes('\\') || UNSEEN.test(text)) throw new Error('the path has unfit characters')
  // Composed and compatible forms are one name to some file systems and two to others.
  if (text.normalize('NFC') !== text || foldsToSeparator(text)) {
    throw new Error('the path has look-alikes')
  }
  const [place = ''] = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(text) ?? []
  const rest = text.slice(place.length)
  const isAbsolute = rest.startsWith('/')
  const segments = rest.replace(/^\//, '').replace(/\/$/, '').split('/')
  const known = rest === '/' || rest === '' ? [] : segments
  for (const segment of known) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new Error('the path has dot or empty segments')
    }
  }
  return { place: place.toLowerCase(), isAbsolute, segments: known }
}

/** Full-width dots and slashes, and others that compatibility folding turns into what separates. */
function foldsToSeparator(text: string): boolean {
  for (const char of text) {
    if (char < '\u0080') continue
    if (/[./\\%]/.test(char.normalize('NFKC'))) return true
  }
  return false
}

/** Escapes replaced by what they stand for; a `%` that begins no escape of UTF-8 stays. */
function unescaped(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text.replace(/%[0-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape))
  }
}

function isWithin(path: Form, root: Form): boolean {
  if (path.isAbsolute !== root.isAbsolute) throw new Error('one path is absolute, the other not')
  return (
    path.place === root.place && root.segments.every((segment, at) => segment === path.segments[at])
  )
}
