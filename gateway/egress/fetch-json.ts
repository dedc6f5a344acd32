/**
 * Small documents from URLs that operators configured (key sets, issuer metadata). Never used for a
 * URL that a caller or client chose.
 */
import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'

import { isLoopback } from '../model/loopback.ts'
import { isUnknownAuthority } from './unknown-authority.ts'

/** Why a document was not fetched. */
export type FetchProblem =
  | 'bad_url'
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'too_large'
  | 'not_a_json_object'

/** A document that could not be fetched. The message names the URL and never what came back. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly code: FetchProblem

  constructor(code: FetchProblem, url: string, options: { what: string; cause?: unknown }) {
    super(`${url}: ${options.what}`, { cause: options.cause })
    this.code = code
  }
}

export type FetchJson = {
  /**
   * Returns the JSON object at this URL.
   *
   * @param plainOrigins Origins for which the operator allowed plain http (`allow_insecure_http`);
   *   loopback always may.
   * @throws {FetchError} for anything but status 200 and one JSON object within the limits.
   *   Redirects are a status like any other and are not followed.
   */
  (url: string, plainOrigins?: readonly string[]): Promise<Readonly<Record<string, unknown>>>
  /** Closes idle connections; running fetches end by themselves. */
  close(): Promise<void>
}

export type FetchJsonOptions = {
  /** From the start to the last byte; default 1,000. */
  readonly timeoutMs?: number
  /** Body bytes read; default 64 KiB. */
  readonly maxBytes?: number
  /** Extra certificate authorities (PEM) for issuers with a private one. */
  readonly ca?: string
}

/** A key set fetch holds up the first token of a new key, so it gets one second (threats R-TOK-7). */
const DEFAULT_TIMEOUT_MS = 1_000

/** Room for a hundred RSA-4096 keys without certificates, which is more than is read (R-TOK-7). */
const DEFAULT_MAX_BYTES = 64 * 1024

/** One issuer needs one connection; two allow for a second document at the same time. */
const CONNECTIONS = 2

/** Returns a fetch with connections of its own: one for the life of the process. */
export function createFetchJson(options: FetchJsonOptions = {}): FetchJson {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, ca } = options
  const agent = new Agent({
    connections: CONNECTIONS,
    connect: { timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    allowH2: false,
  })
  const fetchJson = async (url: string, plainOrigins: readonly string[] = []) => {
    const checked = checkUrl(url, plainOrigins)
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      return await readDocument(await get(checked, { agent, signal }), { url, maxBytes })
    } catch (cause) {
      throw translated(cause, url, signal)
    }
  }
  return Object.assign(fetchJson, { close: () => agent.close() })
}

/**
 * Whether keys may be fetched from here: https, or plain http to this machine or to an origin in
 * `plainOrigins`; never with a user name or password in it. Keys decide whom we believe.
 */
export function isFetchable(url: URL, plainOrigins: readonly string[] = []): boolean {
  if (url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  if (url.protocol !== 'http:') return false
  return isLoopback(url.hostname) || plainOrigins.includes(url.origin)
}

function checkUrl(text: string, plainOrigins: readonly string[]): URL {
  const url = URL.parse(text)
  if (url === null || !isFetchable(url, plainOrigins)) {
    const what = 'must be https, or http to a loopback address, without user name or password'
    throw new FetchError('bad_url', text.replace(/\/\/[^/]*@/, '//'), { what })
  }
  return url
}

function get(
  url: URL,
  { agent, signal }: { readonly agent: Agent; readonly signal: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  const headers = { accept: 'application/json' }
  return request(url, { dispatcher: agent, method: 'GET', headers, signal })
}

async function readDocument(
  { statusCode, body }: Dispatcher.ResponseData,
  { url, maxBytes }: { readonly url: string; readonly maxBytes: number },
): Promise<Readonly<Record<string, unknown>>> {
  // Without a listener, leaving the body early raises an error that nobody could catch.
  body.on('error', () => {})
  if (statusCode !== 200) {
    body.destroy()
    throw new FetchError('status', url, { what: `answered with status ${statusCode}` })
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes: Uint8Array = chunk
    size += bytes.length
    if (size > maxBytes) {
      throw new FetchError('too_large', url, { what: `is larger than ${maxBytes} bytes` })
    }
    chunks.push(bytes)
  }
  const document = parse(Buffer.concat(chunks))
  if (document === undefined) {
    throw new FetchError('not_a_json_object', url, { what: 'is not a JSON object' })
  }
  return document
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function translated(cause: unknown, url: string, signal: AbortSignal): FetchError {
  if (cause instanceof FetchError) return cause
  return signal.aborted
    ? new FetchError('timeout', url, { what: 'did not answer in time', cause })
    : new FetchError('unreachable', url, { what: `cannot be reached${whyOf(cause)}`, cause })
}

/** ` (ECONNREFUSED)`: the code that Node.js or OpenSSL has for it; nothing that came from the other side. */
function whyOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (typeof code !== 'string' || !/^[A-Z_]+$/.test(code)) return ''
  return isUnknownAuthority(code)
    ? ` (${code}: its certificate is of no authority known here; NODE_EXTRA_CA_CERTS names a file with more)`
    : ` (${code})`
}
