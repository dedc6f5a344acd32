import { isLoopback } from '../model/loopback.ts'

export type UrlResult =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly why: string }

/** An absolute http or https URL without user name, password and fragment. */
export function parseHttpUrl(text: string): UrlResult {
  return parse(text, ['https:', 'http:'])
}

/** The same, or a ws or wss URL: where an MCP server may be reached. */
export function parseUpstreamUrl(text: string): UrlResult {
  return parse(text, ['https:', 'http:', 'wss:', 'ws:'])
}

/** An absolute URL of a database with one of these protocols, without user name, password and query. */
export function parseDatabaseUrl(text: string, protocols: readonly string[]): UrlResult {
  const parsed = parse(text, protocols)
  if (!parsed.ok) return parsed
  if (parsed.url.hostname === '') return wrong('must name a host')
  return text.includes('?') ? wrong('must not contain a query (?)') : parsed
}

function parse(text: string, protocols: readonly string[]): UrlResult {
  // The URL parser drops blanks and turns backslashes around; what is written should be what is used.
  if (/[\s\\]/.test(text) || !URL.canParse(text))
    return wrong(`must be a URL such as ${protocols[0]}//…`)
  const url = new URL(text)
  if (!protocols.includes(url.protocol)) {
    return wrong(`must begin with ${protocols.map((name) => `${name}//`).join(' or ')}`)
  }
  if (url.username !== '' || url.password !== '') {
    return wrong('must not contain a user name or password')
  }
  if (text.includes('#')) return wrong('must not contain a fragment (#)')
  return { ok: true, url }
}

/** Whether what goes to `url` can be read on a wire. */
export function isExposed(url: URL): boolean {
  return (url.protocol === 'http:' || url.protocol === 'ws:') && !isLoopback(url.hostname)
}

function wrong(why: string): UrlResult {
  return { ok: false, why }
}
