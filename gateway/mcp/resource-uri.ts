/**
 * The canonical form of a resource URI. Rules about resources compare text, so a URI that a server may
 * resolve to something else than its text says (dot segments, escapes, other names of a host) is refused
 * and never repaired. Stricter than RFC 3986 §6 where resolvers differ.
 */

/** Characters of a URI. Each is matched against globs, and no server needs more. */
const MAX_URI_CHARACTERS = 4_096

/** Schemes that have a host and whose empty path is `/` (URL standard, "special"). */
const SPECIAL_SCHEMES: ReadonlySet<string> = new Set(['file', 'ftp', 'http', 'https', 'ws', 'wss'])

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

/** What stands unescaped in a path segment (RFC 3986 §3.3 `pchar`) and in a query (§3.4). */
const PATH_CHARACTERS: ReadonlySet<string> = new Set(`${UNRESERVED}!$&'()*+,;=:@`)
const QUERY_CHARACTERS: ReadonlySet<string> = new Set([...PATH_CHARACTERS, '/', '?'])

/** Characters that separate the parts of a query, so that a part needs an escape to hold them. */
const QUERY_DELIMITERS: ReadonlySet<string> = new Set('&=+')

/** Characters that change what a path means; nothing may turn into one when text is normalised. */
const MEANINGFUL = /[/\\.%?#:;]/

const ONLY_DOTS = /^[.\s\p{Default_Ignorable_Code_Point}]+$/u

type Parts = {
  readonly scheme: string
  /** Between `//` and the path; undefined when there is no `//`. */
  readonly authority: string | undefined
  readonly path: string
  readonly query: string | undefined
}

/**
 * Why a resource URI is not in canonical form, or undefined when it is: at most 4096 characters, scheme
 * and host in lower case, no user, fragment, default port or second name of a host, no empty segment
 * (one `/` alone after a host is the empty path of http, file and their like), no segment of dots, `%`
 * only in upper-case escapes of what cannot stand unescaped, and these escapes decode to UTF-8 in
 * normal form C without controls, slashes or backslashes.
 */
export function canonicalProblem(uri: string): string | undefined {
  if (uri.length > MAX_URI_CHARACTERS) return 'it is too long'
  const parts = split(uri)
  if (parts === undefined) return 'it has no scheme in lower case'
  const { path, query } = parts
  return (
    authorityProblem(parts) ??
    characterProblem(path, PATH_CHARACTERS, undefined) ??
    characterProblem(query ?? '', QUERY_CHARACTERS, QUERY_DELIMITERS) ??
    segmentProblem(parts) ??
    decodedProblem(`${path}?${query ?? ''}`) ??
    // The last word has the standard most servers resolve by: host names, numbers, ports.
    (URL.parse(uri)?.href === uri ? undefined : 'the URL standard writes it otherwise')
  )
}

function split(uri: string): Parts | undefined {
  const colon = uri.indexOf(':')
  const scheme = uri.slice(0, Math.max(colon, 0))
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return undefined
  const mark = uri.indexOf('?')
  const queryStart = mark === -1 ? uri.length : mark
  const query = mark === -1 ? undefined : uri.slice(mark + 1)
  if (!uri.startsWith('//', colon + 1)) {
    return { scheme, authority: undefined, path: uri.slice(colon + 1, queryStart), query }
  }
  const slash = uri.indexOf('/', colon + 3)
  const pathStart = slash === -1 ? queryStart : Math.min(slash, queryStart)
  const authority = uri.slice(colon + 3, pathStart)
  return { scheme, authority, path: uri.slice(pathStart, queryStart), query }
}

function authorityProblem({ scheme, authority }: Parts): string | undefined {
  if (authority === undefined) {
    return SPECIAL_SCHEMES.has(scheme) ? 'it lacks // after its scheme' : undefined
  }
  if (authority === '') return undefined
  if (scheme === 'file' && authority === 'localhost') return 'its host is the local one'
  if (!/^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?$/.test(authority)) {
    return 'its host is not in lower case, has a user, or has other characters'
  }
  return /^\.|\.\.|\.(?::|$)/.test(authority) ? 'its host has an empty label' : undefined
}

/** @param escapable Characters of `plain` that may be escaped all the same. */
function characterProblem(
  text: string,
  plain: ReadonlySet<string>,
  escapable: ReadonlySet<string> | undefined,
): string | undefined {
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i)
    if (character !== '%') {
      if (character !== '/' && !plain.has(character)) return 'it has a character to be escaped'
      continue
    }
    const hex = text.slice(i + 1, i + 3)
    if (!/^[0-9A-F]{2}$/.test(hex))
      return 'it has an escape that is not % and two upper-case digits'
    const escaped = String.fromCharCode(Number.parseInt(hex, 16))
    if (escaped < ' ' || escaped === '\u007f' || escaped === '/' || escaped === '\\') {
      return 'it has an escaped control, slash or backslash'
    }
    if (plain.has(escaped) && escapable?.has(escaped) !== true) {
      return 'it has an escape that is not needed'
    }
    // A server that decodes twice would read `%252E` as a dot.
    if (escaped === '%' && /^[0-9A-Fa-f]{2}/.test(text.slice(i + 3, i + 5))) {
      return 'it has an escaped escape'
    }
    i += 2
  }
  return undefined
}

function segmentProblem({ scheme, authority, path, query }: Parts): string | undefined {
  if (query === '') return 'its query is empty'
  if (path === '') return authority === undefined ? 'it has nothing after its scheme' : undefined
  if (path === '/' && SPECIAL_SCHEMES.has(scheme)) return undefined
  const segments = (path.startsWith('/') ? path.slice(1) : path).split('/')
  return segments.includes('') ? 'it has an empty segment' : undefined
}

/** What is wrong with the text that the escapes stand for. */
function decodedProblem(text: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch {
    return 'its escapes are not UTF-8'
  }
  // The query too: a server may take the whole text for a file path.
  if (decoded.split(/[/?]/).some(isDotSegment)) return 'it has a dot segment'
  if (decoded === text) return undefined
  if (decoded.normalize('NFC') !== decoded) return 'its escapes are not in normal form C'
  for (const character of decoded) {
    if (character < '\u0080') continue
    if (character <= '\u009f') return 'it has an escaped control, slash or backslash'
    // U+FF0E is a full-width dot, U+2026 three of them.
    if (MEANINGFUL.test(character.normalize('NFKC'))) return 'it has the look of another path'
  }
  return undefined
}

/**
 * Whether a resolver might climb at this segment: `.` and `..`, but also more dots, white space and
 * invisible characters around them, which file systems trim, and `..;x`, of which some servers drop
 * what is behind the `;` as a parameter.
 */
function isDotSegment(segment: string): boolean {
  const [name = ''] = segment.split(';', 1)
  return name.includes('.') && ONLY_DOTS.test(name)
}
