/**
 * What an authorization server says of itself (RFC 8414, OpenID Connect Discovery 1.0), looked for at the three
 * places of the MCP specification ("Authorization Server Metadata Discovery"), and believed only where it names
 * the issuer it was looked for by.
 */
import type { OAuthFetch } from '../egress/oauth-fetch.ts'
import { isLoopback } from '../model/loopback.ts'
import type { Members } from './metadata-document.ts'
import {
  DiscoveryError,
  endpointIn,
  quoted,
  readDocument,
  textIn,
  textsIn,
} from './metadata-document.ts'

export type Authority = {
  /** To the letter. */
  readonly issuer: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly revokeUrl: string | undefined
  /** Where clients register (RFC 7591); undefined where they cannot. */
  readonly registerUrl: string | undefined
  /** Whether its answers always carry `iss` (RFC 9207). */
  readonly sendsIssuer: boolean
  /** Whether the address of a document will do as a client id. */
  readonly takesDocuments: boolean
  /** How clients may authenticate at the token endpoint. */
  readonly authMethods: readonly string[]
  /** Whether it has the scope that refresh tokens are asked for with (OpenID Connect Core §11). */
  readonly hasOfflineAccess: boolean
}

/** RFC 8414 §2, where the metadata does not say. */
const DEFAULT_AUTH_METHODS = ['client_secret_basic']

/**
 * @param isLocal Whether it may be on this machine, without TLS.
 * @throws {DiscoveryError} when there is no metadata, or it is not good enough.
 */
export async function findAuthority(
  issuer: string,
  fetch: OAuthFetch,
  isLocal: boolean,
): Promise<Authority> {
  const faults = new Set<string>()
  for (const url of placesOf(issuer, isLocal)) {
    const read = await readDocument(url, fetch)
    if (read.ok) return readAuthority(read.members, { url, issuer, isLocal })
    faults.add(read.why)
  }
  throw new DiscoveryError(`${quoted(issuer)} has no metadata (${[...faults].join('; ')})`)
}

/** Where the metadata of an issuer may be: before its path in either form, and after it. */
function placesOf(issuer: string, isLocal: boolean): readonly string[] {
  const url = URL.parse(issuer)
  const isFit =
    url !== null &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  const isPlain = url?.protocol === 'http:' && isLocal && isLoopback(url.hostname)
  if (!isFit || (url.protocol !== 'https:' && !isPlain)) {
    throw new DiscoveryError(`${quoted(issuer)} cannot be an issuer: it must be an https URL`)
  }
  const { origin } = url
  const path = url.pathname.replace(/\/$/, '')
  const [oauth, openid] = [
    '.well-known/oauth-authorization-server',
    '.well-known/openid-configuration',
  ]
  const before = [`${origin}/${oauth}${path}`, `${origin}/${openid}${path}`]
  return path === '' ? before : [...before, `${origin}${path}/${openid}`]
}

type At = { readonly url: string; readonly issuer: string; readonly isLocal: boolean }

function readAuthority(members: Members, { url, issuer, isLocal }: At): Authority {
  const named = textIn(members, 'issuer')
  if (named !== issuer) {
    // RFC 8414 §3.3, to the letter: another's metadata would send codes and secrets to another.
    const what = named === undefined ? 'names no issuer' : `names the issuer ${quoted(named)}`
    throw new DiscoveryError(`${url}: ${what}, and was looked for as ${quoted(issuer)}`)
  }
  const authorizeUrl = endpointIn(members, 'authorization_endpoint', isLocal)
  const tokenUrl = endpointIn(members, 'token_endpoint', isLocal)
  if (authorizeUrl === undefined || tokenUrl === undefined) {
    const which = authorizeUrl === undefined ? 'authorization_endpoint' : 'token_endpoint'
    throw new DiscoveryError(`${url}: ${which} is missing, or no https URL`)
  }
  if (textsIn(members, 'code_challenge_methods_supported')?.includes('S256') !== true) {
    throw new DiscoveryError(`${url}: code_challenge_methods_supported does not name S256 (PKCE)`)
  }
  return {
    issuer,
    authorizeUrl,
    tokenUrl,
    revokeUrl: endpointIn(members, 'revocation_endpoint', isLocal),
    registerUrl: endpointIn(members, 'registration_endpoint', isLocal),
    sendsIssuer: members['authorization_response_iss_parameter_supported'] === true,
    takesDocuments: members['client_id_metadata_document_supported'] === true,
    authMethods: textsIn(members, 'token_endpoint_auth_methods_supported') ?? DEFAULT_AUTH_METHODS,
    hasOfflineAccess: textsIn(members, 'scopes_supported')?.includes('offline_access') === true,
  }
}
