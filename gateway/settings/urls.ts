import { isIP, isIPv4 } from 'node:net'

export type UrlResult =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly why: string }

/** An absolute http or https URL without user name, password and fragment. */
export function parseHttpUrl(text: string): UrlResult {
  // The URL parser drops blanks and turns backslashes around; what is written should be what is used.
  if (/[\s\\]/.test(text) || !URL.canParse(text)) return wrong('must be a URL such as https://…')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return wrong('must begin with https:// or http://')
  }
  if (url.username !== '' || url.password !== '') {
    return wrong('must not contain a user name or password')
  }
  if (text.includes('#')) return wrong('must not contain a fragment (#)')
  return { ok: true, url }
}

/** Whether a host name, address or URL hostname (`[::1]`) can only mean this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  if (isIP(name) !== 0) return name === '::1' || (isIPv4(name) && name.startsWith('127.'))
  return name === 'localhost' || name.endsWith('.localhost')
}

/** Whether what goes to `url` can be read on a wire. */
export function isExposed(url: URL): boolean {
  return url.protocol === 'http:' && !isLoopback(url.hostname)
}

function wrong(why: string): UrlResult {
  return { ok: false, why }
}
