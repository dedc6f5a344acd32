import type { Path } from '../model/problem.ts'
import type { Reading } from './reading.ts'

/** `public_url`, taken apart. */
export type PublicUrl = {
  /** As clients write it, without a trailing slash. */
  readonly href: string
  readonly scheme: 'http:' | 'https:'
  /** Host, and port where it is not the scheme's. */
  readonly host: string
  /** Path without a trailing slash; empty for a bare origin. */
  readonly prefix: string
}

/** `public_url` when it is right; undefined when what is wrong with it is reported. */
export function readPublicUrl(reading: Reading, text: string): PublicUrl | undefined {
  const at: Path = ['public_url']
  const url = reading.url(at, text)
  if (url === undefined) return undefined
  const prefix = url.pathname === '/' ? '' : url.pathname
  const href = url.origin + prefix
  // Tokens and metadata carry it byte for byte, so there is one way to write it.
  if (text !== href && text !== `${href}/`) {
    reading.report(at, `must be written in its normal form, without query: ${href}`)
    return undefined
  }
  const why = prefix === '' ? undefined : pathFault(prefix)
  if (why !== undefined) {
    reading.report(at, `its path ${why}`)
    return undefined
  }
  return { href, scheme: url.protocol === 'http:' ? 'http:' : 'https:', host: url.host, prefix }
}

/**
 * Why a public path cannot be matched byte for byte against what clients send; undefined when it can.
 * Whatever a proxy in between may rewrite (escapes, dot segments, doubled or trailing slashes, path
 * parameters) is refused.
 */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with /'
  if (path.endsWith('/')) return 'must not end with /'
  if (path.includes('//')) return 'must not contain //'
  if (/(^|\/)\.{1,2}(\/|$)/.test(path)) return 'must not contain . or .. as a segment'
  // RFC 3986 §3.3 pchar, without percent escapes and `;`.
  if (!/^[A-Za-z0-9._~!$&'()*+,=:@/-]+$/.test(path)) {
    return 'must consist of letters, digits and - . _ ~ (no %, no spaces)'
  }
  return undefined
}
