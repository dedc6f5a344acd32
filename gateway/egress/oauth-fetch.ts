/**
 * Requests to authorization servers, in the shape that OAuth libraries call (`fetch`). One request, no
 * redirect, a whole answer within bounds. What operators configured may be anywhere; what a server told of
 * itself only on the public internet.
 */
import { lookup as systemLookup } from 'node:dns'

import { Agent, request } from 'undici'

import { isLoopback } from '../model/loopback.ts'
import type { Reach } from '../model/provider.ts'
import { isPublicUrl, publicOnly, type Resolve } from './public-only.ts'
import type { TlsContents } from './tls-files.ts'
import { isUnknownAuthority } from './unknown-authority.ts'

/** A token endpoint may ask a directory; a call waits for it, so not for long. */
const TIMEOUT_MS = 10_000

/** Tokens of some providers reach 10 KiB; an answer with two of them and an ID token fits. */
const MAX_BYTES = 256 * 1024

/** Connections to one authorization server: refreshes and exchanges of different callers run side by side. */
const CONNECTIONS = 16

export type OAuthRequest = {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: URLSearchParams | string | undefined
}

export type OAuthFetch = {
  /**
   * The answer, whatever its status.
   *
   * @throws {Error} when there is none: no https (loopback aside), out of reach, no connection, too slow,
   *   too large. The message names the origin, never what was sent or came back.
   */
  (url: string, request: OAuthRequest): Promise<Response>
  /** Closes idle connections. */
  close(): Promise<void>
}

/** One fetch for each reach. */
export type OAuthFetches = Readonly<Record<Reach, OAuthFetch>>

/** Those for a provider, by its name. */
export type FetchesOf = (provider: string) => OAuthFetches

export type OAuthFetchOptions = {
  readonly timeoutMs?: number
  /** The authority its certificate must come from, instead of those of the system, and who we are there. */
  readonly tls?: TlsContents
  /** `any` by default. */
  readonly reach?: Reach
  /** The system's resolver by default. */
  readonly resolve?: Resolve
}

/** Returns a fetch with connections of its own: one for the life of the process. */
export function createOAuthFetch(options: OAuthFetchOptions = {}): OAuthFetch {
  const { timeoutMs = TIMEOUT_MS, tls, reach = 'any', resolve = systemLookup } = options
  const guard = reach === 'any' ? {} : { lookup: publicOnly(resolve), autoSelectFamily: false }
  const connect = { timeout: timeoutMs, ...tls, ...guard }
  const agent = new Agent({ connections: CONNECTIONS, connect })
  const oauthFetch = async (text: string, { method, headers, body }: OAuthRequest) => {
    const url = new URL(text)
    if (reach === 'public' && !isPublicUrl(url)) {
      throw new Error(
        `${url.origin}: must be https on its own port, on the public internet, or configured`,
      )
    }
    if (!isConfidential(url)) throw new Error(`${url.origin}: must be https, or loopback`)
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: method === 'GET' ? 'GET' : 'POST',
        headers,
        body: body === undefined ? null : String(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const bytes = await readAll(answer.body)
      return new Response(isEmpty(answer.statusCode) ? null : bytes, {
        status: answer.statusCode,
        headers: flat(answer.headers),
      })
    } catch (error) {
      throw new Error(`${url.origin}: ${whyOf(error)}`, { cause: error })
    }
  }
  return Object.assign(oauthFetch, { close: () => agent.close() })
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const code: unknown = 'code' in error ? error.code : undefined
  // Of the HTTP client's own errors the names say more.
  if (typeof code !== 'string' || code.startsWith('UND_')) return error.name
  if (!isUnknownAuthority(code)) return code
  return `its certificate comes from an authority that is not known here (${code}); see ca`
}

/** Tokens and client secrets travel here. */
function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** Statuses whose `Response` must have no body. */
function isEmpty(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BYTES) throw new RangeError('too large')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function flat(headers: NodeJS.Dict<string | string[]>): Headers {
  const named = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) named.append(name, one)
  }
  return named
}
