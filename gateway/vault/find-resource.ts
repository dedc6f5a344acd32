/**
 * What a protected MCP server says of itself: the challenge it answers a stranger with, and its resource
 * metadata (RFC 9728), found as the MCP specification says ("Protected Resource Metadata Discovery").
 */
import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import { metadataUrl, ROOT_METADATA_PATH } from '../oauth/metadata.ts'
import { readBearerChallenge, readScopes, type BearerChallenge } from '../oauth/read-challenge.ts'
import type { Document, Members } from './metadata-document.ts'
import { DiscoveryError, quoted, readDocument, textIn, textsIn } from './metadata-document.ts'

export type Resource = {
  /** Its identifier, to the letter as it publishes it. */
  readonly resource: string
  /** Where its metadata is; undefined where it has none. */
  readonly metadata: string | undefined
  /** Issuers it takes tokens from; undefined where it has no metadata. */
  readonly issuers: readonly string[] | undefined
  /** What it asks for to begin with: the challenge's scopes, else those of the metadata. */
  readonly scopes: readonly string[]
}

/** A request that nobody may make without a token, at servers that let anybody shake hands. */
const KNOCK = '{"jsonrpc":"2.0","id":"gatehouse-discovery","method":"tools/list","params":{}}'

/**
 * @param fetchFor How an address that the server named is reached.
 * @throws {DiscoveryError} when its metadata cannot be had, or is not about it.
 */
export async function findResource(
  server: string,
  fetchFor: (url: string) => OAuthFetch,
): Promise<Resource> {
  const challenge = await knock(server, fetchFor(server))
  const document = await findDocument(server, challenge?.resourceMetadata, fetchFor)
  if (document === undefined) {
    // A server of before RFC 9728: what it is called is its address.
    const scopes = challenge?.scopes ?? []
    return { resource: server, metadata: undefined, issuers: undefined, scopes }
  }
  const { url, members } = document
  const resource = textIn(members, 'resource')
  if (resource === undefined || !covers(resource, server)) {
    const what = resource === undefined ? 'has no resource' : `is about ${quoted(resource)}`
    throw new DiscoveryError(`${url}: ${what}, not about ${server}`)
  }
  const issuers = textsIn(members, 'authorization_servers') ?? []
  if (issuers.length === 0) throw new DiscoveryError(`${url}: names no authorization server`)
  const supported = readScopes(textsIn(members, 'scopes_supported')?.join(' '))
  const scopes = challenge?.scopes ?? []
  return { resource, metadata: url, issuers, scopes: scopes.length > 0 ? scopes : supported }
}

async function knock(server: string, fetch: OAuthFetch): Promise<BearerChallenge | undefined> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  try {
    const answer = await fetch(server, { method: 'POST', headers, body: KNOCK })
    if (answer.status !== 401) return undefined
    return readBearerChallenge(answer.headers.get('www-authenticate') ?? undefined)
  } catch {
    // Whether the server is there at all will be seen with its metadata.
    return undefined
  }
}

type Found = { readonly url: string; readonly members: Members }

/** The document the challenge names, else the one of the path, else the one of the root; undefined for none. */
async function findDocument(
  server: string,
  named: string | undefined,
  fetchFor: (url: string) => OAuthFetch,
): Promise<Found | undefined> {
  if (named !== undefined) {
    if (!URL.canParse(named)) throw new DiscoveryError(`${server} names ${quoted(named)}, no URL`)
    const read = await readDocument(named, fetchFor(named))
    if (!read.ok) throw new DiscoveryError(read.why)
    return { url: named, members: read.members }
  }
  const { origin } = new URL(server)
  for (const url of new Set([metadataUrl(server), origin + ROOT_METADATA_PATH])) {
    const read: Document = await readDocument(url, fetchFor(url))
    if (read.ok) return { url, members: read.members }
  }
  return undefined
}

/**
 * Whether a resource is the server, or what the server is part of: some name all of their host (RFC 9728 §3.3
 * is stricter; the MCP SDKs are not). A resource elsewhere would get us a token that this server may not have.
 */
function covers(resource: string, server: string): boolean {
  if (resource === server) return true
  const [whole, part] = [URL.parse(resource), new URL(server)]
  if (whole === null || whole.origin !== part.origin || whole.hash !== '') return false
  if (whole.search !== '') return whole.href === part.href
  const path = whole.pathname.replace(/\/$/, '')
  return part.pathname === path || part.pathname.startsWith(`${path}/`)
}
