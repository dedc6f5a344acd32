/**
 * What anyone may read, by authority and request target: the protected resource metadata of every server
 * (RFC 9728), and the keys that tokens of ours are signed with.
 */
import type { McpServer } from '../model/server.ts'
import { metadataPath, protectedResourceMetadata, ROOT_METADATA_PATH } from '../oauth/metadata.ts'
import { KEYS_MAX_AGE_SECONDS } from '../oauth/signing-keys.ts'
import type { Routes } from '../pipeline/route.ts'
import type { Document, Documents } from './doors.ts'

/** Where our public keys are, below our issuer identifier. */
export const JWKS_PATH = '/.well-known/jwks.json'

export function buildDocuments(options: {
  readonly routes: Routes
  /** Every configured issuer. */
  readonly issuers: readonly string[]
  readonly scopesOf: (server: McpServer) => readonly string[]
  /** Its origin is our issuer identifier; the keys are there. */
  readonly publicUrl: string
  readonly jwks: () => object
}): Documents {
  const { routes, issuers, scopesOf, publicUrl, jwks } = options
  const documents = new Map<string, Map<string, Document>>()
  for (const [host, site] of routes.sites) {
    const byTarget = new Map<string, Document>()
    const servers = [...site.servers.values()]
    for (const server of servers) {
      const metadata = JSON.stringify(
        protectedResourceMetadata({
          resource: server.resource,
          authorizationServers: server.issuers ?? issuers,
          scopes: scopesOf(server),
          name: server.name,
        }),
      )
      const document = { text: () => metadata, maxAgeSeconds: 0 }
      byTarget.set(metadataPath(server.resource), document)
      // The root form cannot say which of several servers it means (RFC 9728 §3.1).
      if (servers.length === 1) byTarget.set(ROOT_METADATA_PATH, document)
    }
    documents.set(host, byTarget)
  }
  const home = new URL(publicUrl).host
  const atHome = documents.get(home) ?? new Map<string, Document>()
  atHome.set(JWKS_PATH, { text: () => JSON.stringify(jwks()), maxAgeSeconds: KEYS_MAX_AGE_SECONDS })
  documents.set(home, atHome)
  return documents
}
