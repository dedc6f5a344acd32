/**
 * Protected resource metadata (RFC 9728): the document that tells a client which authorization
 * servers issue tokens for one MCP server, and where it is found.
 */
import { PROOF_ALGORITHMS } from './verify-proof.ts'

/** The members the gateway publishes; empty lists are left out (RFC 9728 §3.2). */
export type ProtectedResourceMetadata = {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly dpop_signing_alg_values_supported: readonly string[]
  readonly resource_name?: string
}

export type MetadataSource = {
  /** The public URL clients use for the server; `resource` must equal it (RFC 9728 §3.3). */
  readonly resource: string
  /** Issuers whose tokens are accepted. MCP wants at least one where authorization is offered. */
  readonly authorizationServers: readonly string[]
  /** The minimal set a client should begin with, not every scope there is. */
  readonly scopes: readonly string[]
  /** Name shown to people. */
  readonly name: string
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Returns the metadata document of one MCP server, ready for `JSON.stringify`. */
export function protectedResourceMetadata(source: MetadataSource): ProtectedResourceMetadata {
  return {
    resource: source.resource,
    ...(source.authorizationServers.length > 0 && {
      authorization_servers: source.authorizationServers,
    }),
    ...(source.scopes.length > 0 && { scopes_supported: source.scopes }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    ...(source.name !== '' && { resource_name: source.name }),
  }
}

/**
 * Returns the request target of a resource's metadata in the path form: the well-known name is put
 * between host and path, and a bare `/` after the host is dropped (RFC 9728 §3.1).
 * `https://gw.example/mcp/db` gives `/.well-known/oauth-protected-resource/mcp/db`.
 */
export function metadataPath(resource: string): string {
  return WELL_KNOWN + pathOf(resource)
}

/** Returns the absolute URL of a resource's metadata, for the `resource_metadata` of a challenge. */
export function metadataUrl(resource: string): string {
  const path = pathOf(resource)
  return resource.slice(0, originLength(resource)) + WELL_KNOWN + path
}

/** The request target a sole server also answers: the name at the root (RFC 9728 §3). */
export const ROOT_METADATA_PATH = WELL_KNOWN

/** Path and query byte for byte: parsing as a URL could re-encode what clients compare exactly. */
function pathOf(resource: string): string {
  const rest = resource.slice(originLength(resource))
  if (rest === '/') return ''
  return rest.startsWith('/?') ? rest.slice(1) : rest
}

function originLength(resource: string): number {
  const authority = resource.indexOf('://') + 3
  const end = resource.slice(authority).search(/[/?]/)
  return end === -1 ? resource.length : authority + end
}
