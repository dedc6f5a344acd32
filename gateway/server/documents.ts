/** The protected resource metadata of every server (RFC 9728), by authority and request target. */
import type { McpServer } from '../model/server.ts'
import { metadataPath, protectedResourceMetadata, ROOT_METADATA_PATH } from '../oauth/metadata.ts'
import type { Routes } from '../pipeline/route.ts'
import type { Documents } from './doors.ts'

export function buildDocuments(options: {
  readonly routes: Routes
  /** Every configured issuer. */
  readonly issuers: readonly string[]
  readonly scopesOf: (server: McpServer) => readonly string[]
}): Documents {
  const { routes, issuers, scopesOf } = options
  const documents = new Map<string, Map<string, string>>()
  for (const [host, site] of routes.sites) {
    const byTarget = new Map<string, string>()
    const servers = [...site.servers.values()]
    for (const server of servers) {
      const text = JSON.stringify(
        protectedResourceMetadata({
          resource: server.resource,
          authorizationServers: server.issuers ?? issuers,
          scopes: scopesOf(server),
          name: server.name,
        }),
      )
      byTarget.set(metadataPath(server.resource), text)
      // The root form cannot say which of several servers it means (RFC 9728 §3.1).
      if (servers.length === 1) byTarget.set(ROOT_METADATA_PATH, text)
    }
    documents.set(host, byTarget)
  }
  return documents
}
