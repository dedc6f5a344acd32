/** From the URL of a protected MCP server to the authorization server whose tokens it takes. */
import type { OAuthFetches } from '../egress/oauth-fetch.ts'
import { isLoopback } from '../model/loopback.ts'
import type { Reach, RemoteProvider } from '../model/provider.ts'
import { findAuthority, type Authority } from './find-authority.ts'
import { findResource } from './find-resource.ts'
import { DiscoveryError, quoted } from './metadata-document.ts'

export type Discovered = {
  readonly authority: Authority
  /** What tokens are asked for, to the letter. */
  readonly resource: string
  /** URL of the server's metadata; undefined where it has none. */
  readonly metadata: string | undefined
  /** Scopes to begin with; empty where nobody says. */
  readonly scopes: readonly string[]
}

/** @throws {DiscoveryError} that says what is wrong where. */
export async function discover(remote: RemoteProvider, fetches: OAuthFetches): Promise<Discovered> {
  const { discover: server } = remote
  const found = await findResource(server, (url) => fetches[reachOf(url, remote)])
  const { issuers, ...resource } = found
  const issuer = chooseIssuer(remote, issuers)
  const isLocal = isLoopback(new URL(server).hostname)
  const reach =
    remote.issuer === undefined && URL.canParse(issuer) ? reachOf(issuer, remote) : 'any'
  return { authority: await findAuthority(issuer, fetches[reach], isLocal), ...resource }
}

/**
 * How an address is reached that somebody named on the way: the server's own origin was configured, and a server
 * on this machine may name others there. Whatever else a server names is a stranger's.
 */
export function reachOf(url: string, { discover: server }: RemoteProvider): Reach {
  const [own, other] = [new URL(server), new URL(url)]
  if (own.origin === other.origin) return 'any'
  return isLoopback(own.hostname) && isLoopback(other.hostname) ? 'any' : 'public'
}

/** How its endpoints are reached: those of an issuer that was configured are the operator's choice. */
export function reachOfAuthority(
  urls: readonly (string | undefined)[],
  remote: RemoteProvider,
): Reach {
  if (remote.issuer !== undefined) return 'any'
  return urls.some((url) => url !== undefined && reachOf(url, remote) === 'public')
    ? 'public'
    : 'any'
}

/** The one that was configured, else the first; before RFC 9728 it was the origin of the server. */
function chooseIssuer(
  { discover: server, issuer }: RemoteProvider,
  issuers: readonly string[] | undefined,
): string {
  if (issuer === undefined) return issuers?.[0] ?? new URL(server).origin
  if (issuers?.includes(issuer) === false) {
    const named = issuers.map(quoted).join(', ')
    throw new DiscoveryError(`${server} takes tokens of ${named}, and ${issuer} is configured`)
  }
  return issuer
}
