/** `servers.<name>.credential`: the secret sent up instead of the caller's token. */
import type { Path } from '../model/problem.ts'
import type { Credential } from '../model/server.ts'
import type { ServerFile } from './config-file.ts'
import type { Reading } from './reading.ts'
import { readSecret } from './secrets.ts'
import { isExposed, parseUpstreamUrl } from './urls.ts'

/** Hop-by-hop (RFC 9110 §7.6.1) or about the connection: never an end-to-end credential. */
const CONNECTION_HEADERS = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/** What forwarding itself writes or passes on; a credential there would be overwritten or break calls. */
const OWN_HEADERS = /^(content-|accept|mcp-|last-event-id$|trace(parent|state)$|baggage$)/

/** The credential of a server; undefined when something about it is reported. */
export async function readCredential(
  reading: Reading,
  at: Path,
  { credential, anonymous, upstream }: ServerFile,
): Promise<Credential | undefined> {
  if (typeof credential === 'string') return { kind: 'none' }
  if (anonymous) {
    const advice = 'anybody could use it; remove one of the two'
    reading.reportKey(at, `a credential together with anonymous: ${advice}`)
  }
  const header = credential.header.toLowerCase()
  if (CONNECTION_HEADERS.has(header) || OWN_HEADERS.test(header)) {
    reading.report([...at, 'header'], `${credential.header} cannot carry a credential`)
  }
  const url = parseUpstreamUrl(upstream.url)
  if (url.ok && isExposed(url.url)) reading.warn(at, 'the credential travels unencrypted')
  const value = await readSecret(reading, [...at, 'value'], credential.value)
  if (value === undefined) return undefined
  // RFC 9110 §5.5: visible ASCII, with blanks inside only.
  if (!/^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/.test(value.reveal())) {
    reading.report([...at, 'value'], 'has characters that a header cannot hold (a line break?)')
  }
  return { kind: 'static', header: credential.header, value }
}
