/**
 * Resource globs that can never match. Resource URIs reach the rules only in canonical form: lower-case
 * scheme and host, no user information, default port or fragment, no dot or empty segments, printable
 * ASCII without backslash, `%` only as upper-case escapes of characters that need one.
 */

const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  http: '80',
  https: '443',
  ws: '80',
  wss: '443',
}

/** Why no canonical URI matches this glob; undefined when one could. Wildcards get the benefit of the doubt. */
export function neverCanonical(glob: string): string | undefined {
  const odd = /[^\x21-\x7e]|[\\#]/.exec(glob)
  if (odd !== null) return `it contains ${JSON.stringify(odd[0])}`
  return escapeFault(glob) ?? schemeFault(glob)
}

function escapeFault(glob: string): string | undefined {
  for (const [escape] of glob.matchAll(/%[^*?]{0,2}/g)) {
    // A wildcard may stand for the digits, the end may not.
    if (escape.length < 3 && !glob.endsWith(escape)) continue
    if (!/^%[0-9A-F]{2}$/.test(escape)) return `"${escape}" is not an upper-case escape`
    const code = Number.parseInt(escape.slice(1), 16)
    const char = String.fromCharCode(code)
    // RFC 3986 §2.3: unreserved characters are never escaped.
    if (/[A-Za-z0-9._~-]/.test(char)) return `"${escape}" is written "${char}"`
    if (code < 0x20 || code === 0x7f || char === '/' || char === '\\') {
      return `"${escape}" hides a character that separates`
    }
  }
  return undefined
}

function schemeFault(glob: string): string | undefined {
  const colon = glob.search(/[:*?]/)
  if (colon === -1) return 'it has no scheme'
  if (glob.charAt(colon) !== ':') return undefined
  const scheme = glob.slice(0, colon)
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return `"${scheme}" is not a lower-case scheme`
  const rest = glob.slice(colon + 1)
  if (!rest.startsWith('//')) return pathFault(rest)
  const end = rest.slice(2).search(/[/*?]/)
  const authority = end === -1 ? rest.slice(2) : rest.slice(2, end + 2)
  return authorityFault(scheme, authority) ?? pathFault(rest.slice(2 + authority.length))
}

function authorityFault(scheme: string, authority: string): string | undefined {
  if (authority.includes('@')) return 'it contains user information'
  if (authority !== authority.toLowerCase())
    return `the host of "${authority}" is not in lower case`
  const port = /:(\d*)$/.exec(authority)?.[1]
  if (port === '' || (port !== undefined && port === DEFAULT_PORTS[scheme])) {
    return `":${port}" is the default port, which is left out`
  }
  return undefined
}

function pathFault(path: string): string | undefined {
  const [beforeQuery = ''] = path.split('?', 1)
  const segments = beforeQuery.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') return `"${segment}" is a dot segment`
    // Only the last may be empty: `file:///pub/` names a directory.
    if (segment === '' && index < segments.length - 1) return 'it has an empty segment'
  }
  return undefined
}
